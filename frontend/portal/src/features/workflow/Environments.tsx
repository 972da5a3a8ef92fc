import { Icon, Time } from "@weft/kit";
import type { Deployment, Environment } from "./workflow.types";

/** What is live where, in one line. */
export function Environments({ environments, live }: { readonly environments: readonly Environment[]; readonly live: readonly Deployment[] }) {
  return (
    <ul className="live-in" aria-label="Live versions">
      {environments.map((environment) => {
        const deployment = live.find((one) => one.environment === environment.name);
        return (
          <li key={environment.name} className="live-in__one" data-production={environment.is_production || undefined}>
            <span className="environment-chip" data-environment-name={environment.name}>
              {environment.is_production && <Icon name="shield" />}
              {environment.name}
            </span>
            {deployment === undefined ? (
              <span className="muted">nothing live</span>
            ) : (
              <span>
                <strong>v{deployment.version}</strong> <span className="muted">since <Time iso={deployment.deployed_at} /></span>
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}
