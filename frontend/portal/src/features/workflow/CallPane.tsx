import { CodeBlock } from "@weft/kit";
import type { CallAddress } from "./workflow.types";

function byEnvironment(addresses: readonly CallAddress[]): Map<string, CallAddress[]> {
  const groups = new Map<string, CallAddress[]>();
  for (const one of addresses) groups.set(one.environment, [...(groups.get(one.environment) ?? []), one]);
  return groups;
}

/** Where the live versions answer, with a line to try each address. */
export function CallPane({ addresses }: { readonly addresses: readonly CallAddress[] }) {
  if (addresses.length === 0) {
    return (
      <div className="empty">
        <h3>No address yet</h3>
        <p>Once a version with an http section is deployed, its addresses are listed here.</p>
      </div>
    );
  }
  return (
    <div className="addresses">
      {[...byEnvironment(addresses)].map(([environment, own]) => (
        <section key={environment} className="addresses__group">
          <h3>
            <span className="environment-chip" data-environment-name={environment}>
              {environment}
            </span>{" "}
            <code className="addresses__base">{own[0]?.base}</code>
          </h3>
          {own.map((one) => (
            <div key={`${one.method} ${one.path}`} className="addresses__one">
              <p>
                <span className="method">{one.method}</span> <code>{one.path}</code>
              </p>
              <CodeBlock text={one.curl} label={`curl line for ${one.method} ${one.path} in ${environment}`} />
            </div>
          ))}
        </section>
      ))}
    </div>
  );
}
