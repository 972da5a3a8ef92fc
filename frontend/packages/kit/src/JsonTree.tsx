import { Icon } from "./Icon";

const redacted = /^(\[redacted\]|\*{3,}|•{3,})$/;

function isContainer(value: unknown): value is Record<string, unknown> | readonly unknown[] {
  return typeof value === "object" && value !== null;
}

function Scalar({ value }: { readonly value: unknown }) {
  if (typeof value === "string" && redacted.test(value)) {
    return (
      <span className="json__redacted">
        <Icon name="lock" /> redacted
      </span>
    );
  }
  const kind = value === null ? "null" : typeof value;
  return <span className={`json__${kind}`}>{JSON.stringify(value)}</span>;
}

function size(value: Record<string, unknown> | readonly unknown[]): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  return `{${Object.keys(value).length}}`;
}

function Entry({ name, value, depth }: { readonly name: string; readonly value: unknown; readonly depth: number }) {
  if (!isContainer(value) || Object.keys(value).length === 0) {
    return (
      <li className="json__leaf">
        <span className="json__key">{name}</span> <Scalar value={value} />
      </li>
    );
  }
  return (
    <li>
      <details open={depth < 2}>
        <summary>
          <span className="json__key">{name}</span> <span className="json__size">{size(value)}</span>
        </summary>
        <Entries value={value} depth={depth + 1} />
      </details>
    </li>
  );
}

function Entries({ value, depth }: { readonly value: object; readonly depth: number }) {
  return (
    <ul className="json__entries">
      {Object.entries(value).map(([name, inner]) => (
        <Entry key={name} name={name} value={inner} depth={depth} />
      ))}
    </ul>
  );
}

/** A JSON value to unfold; what was redacted says so. */
export function JsonTree({ value, label }: { readonly value: unknown; readonly label: string }) {
  return (
    <div className="json" role="group" aria-label={label}>
      {isContainer(value) && Object.keys(value).length > 0 ? <Entries value={value} depth={0} /> : <Scalar value={value} />}
    </div>
  );
}
