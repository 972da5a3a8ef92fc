import { bySeverity, countBySeverity, type Finding } from "@weft/graph";
import { FindingPill, Icon, lookOfFinding } from "@weft/kit";

export interface FindingsListProps {
  readonly findings: readonly Finding[];
  readonly isChecking: boolean;
  readonly onOpen: (line: number) => void;
}

function Counts({ findings, isChecking }: { readonly findings: readonly Finding[]; readonly isChecking: boolean }) {
  if (isChecking) return <span className="muted">Checking…</span>;
  if (findings.length === 0) {
    return (
      <span className="findings__clean">
        <Icon name="state-done" /> No findings
      </span>
    );
  }
  const counts = countBySeverity(findings);
  return (
    <>
      {(["error", "blocked", "warning"] as const).map(
        (severity) => counts[severity] > 0 && <FindingPill key={severity} severity={severity} count={counts[severity]} />,
      )}
    </>
  );
}

/** All findings, worst first; each leads to its line. */
export function FindingsList({ findings, isChecking, onOpen }: FindingsListProps) {
  return (
    <details className="findings" open={findings.length > 0 && findings.length < 6}>
      <summary className="findings__summary" aria-live="polite">
        <Counts findings={findings} isChecking={isChecking} />
      </summary>
      <ul className="findings__list">
        {bySeverity(findings).map((finding, index) => {
          const look = lookOfFinding(finding.severity);
          return (
            <li key={`${finding.code}-${finding.path}-${index}`}>
              <button type="button" className="findings__item" onClick={() => onOpen(finding.line)}>
                <span className={`findings__icon findings__icon--${look.tone}`}>
                  <Icon name={look.icon} label={look.word} />
                </span>
                <span className="findings__message">{finding.message}</span>
                <span className="findings__place">
                  {finding.line > 0 && `line ${finding.line}`} <code>{finding.code}</code>
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </details>
  );
}
