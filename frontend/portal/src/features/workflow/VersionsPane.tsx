import { FindingPill, Icon, Time } from "@weft/kit";
import type { Deployment, Version } from "./workflow.types";

export interface VersionsPaneProps {
  readonly versions: readonly Version[];
  readonly live: readonly Deployment[];
  readonly canDeploy: boolean;
  readonly onDeploy: (version: number) => void;
}

/** Every published version, newest first, with where it is live. */
export function VersionsPane({ versions, live, canDeploy, onDeploy }: VersionsPaneProps) {
  if (versions.length === 0) {
    return (
      <div className="empty">
        <h3>Nothing published yet</h3>
        <p>Publish the draft: a version never changes, and only versions can be deployed.</p>
      </div>
    );
  }
  return (
    <ol className="versions" aria-label="Versions">
      {versions.map((version) => {
        const places = live.filter((one) => one.version === version.number);
        const blocked = version.findings.filter((one) => one.severity === "blocked").length;
        return (
          <li key={version.number} className="version">
            <span className="version__number">v{version.number}</span>
            <div className="version__what">
              <p className="version__note">{version.note || <span className="muted">No note</span>}</p>
              <p className="version__by muted">
                {version.published_by} · <Time iso={version.published_at} /> ·{" "}
                <code title={version.sha256}>{version.sha256.slice(0, 8)}</code>
              </p>
            </div>
            <div className="version__places">
              {blocked > 0 && <FindingPill severity="blocked" count={blocked} />}
              {places.map((place) => (
                <span key={place.environment} className="environment-chip" data-environment-name={place.environment}>
                  <Icon name="live" /> {place.environment}
                </span>
              ))}
            </div>
            {canDeploy && (
              <button type="button" className="button button--small" onClick={() => onDeploy(version.number)}>
                Deploy
              </button>
            )}
          </li>
        );
      })}
    </ol>
  );
}
