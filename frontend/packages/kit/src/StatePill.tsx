import { Icon } from "./Icon";
import { findingWords, lookOf, lookOfFinding } from "./states";

export function StatePill({ state }: { readonly state: string }) {
  const look = lookOf(state);
  return (
    <span className={`pill pill--${look.tone}`}>
      <Icon name={look.icon} />
      {look.word}
    </span>
  );
}

export function FindingPill({ severity, count }: { readonly severity: string; readonly count?: number }) {
  const look = lookOfFinding(severity);
  return (
    <span className={`finding-pill finding-pill--${look.tone}`}>
      <Icon name={look.icon} />
      {count === undefined ? look.word : findingWords(severity, count)}
    </span>
  );
}
