/** State is colour, icon and word, always all three. */

export interface StateLook {
  readonly word: string;
  readonly icon: string;
  readonly tone: string;
}

const looks: Record<string, StateLook> = {
  ready: { word: "Ready", icon: "state-ready", tone: "ready" },
  claimed: { word: "Running", icon: "state-running", tone: "running" },
  running: { word: "Running", icon: "state-running", tone: "running" },
  waiting: { word: "Waiting", icon: "state-waiting", tone: "waiting" },
  done: { word: "Done", icon: "state-done", tone: "done" },
  failed: { word: "Failed", icon: "state-failed", tone: "failed" },
  cancelled: { word: "Cancelled", icon: "state-cancelled", tone: "cancelled" },
  unknown: { word: "Unknown", icon: "state-unknown", tone: "unknown" },
};

export function lookOf(state: string): StateLook {
  return looks[state] ?? { word: state, icon: "state-unknown", tone: "unknown" };
}

/** How many of a severity there are, as one says it. */
export function findingWords(severity: string, count: number): string {
  const word = lookOfFinding(severity).word.toLowerCase();
  return `${count} ${word}${count === 1 || word === "blocked" ? "" : "s"}`;
}

const findingLooks: Record<string, StateLook> = {
  error: { word: "Error", icon: "error", tone: "error" },
  blocked: { word: "Blocked", icon: "blocked", tone: "blocked" },
  warning: { word: "Warning", icon: "warning", tone: "warning" },
  note: { word: "Note", icon: "note", tone: "note" },
};

export function lookOfFinding(severity: string): StateLook {
  return findingLooks[severity] ?? { word: severity, icon: "note", tone: "note" };
}
