/** A run as the server tells it: first the whole state, then numbered events that change it. */

export type RunState = "running" | "waiting" | "done" | "failed" | "cancelled" | "unknown" | "ready";
export type StepState = "ready" | "claimed" | "running" | "waiting" | "done" | "failed" | "cancelled" | "unknown";

export interface LogLine {
  readonly at?: string | null;
  readonly level?: string;
  readonly message: string;
}

export interface Fault {
  readonly code?: string;
  readonly title?: string;
  readonly message?: string;
  readonly data?: unknown;
}

export interface Step {
  readonly index: number;
  readonly name: string;
  readonly kind: string;
  readonly path?: string | null;
  readonly module?: string | null;
  readonly state: StepState;
  readonly attempt: number;
  readonly started_at?: string | null;
  readonly duration_us?: number | null;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly error?: Fault | null;
  readonly logs?: readonly LogLine[];
}

export interface Wait {
  readonly reason: string;
  readonly since?: string | null;
  readonly until?: string | null;
  readonly for?: string | null;
}

export interface Run {
  readonly id: string;
  readonly workflow: { readonly id: string; readonly slug: string; readonly name: string };
  readonly version: number;
  readonly environment: string;
  readonly source: string;
  readonly entry: string;
  readonly section?: string | null;
  readonly action?: string | null;
  readonly state: RunState;
  readonly wait: Wait | null;
  readonly input?: unknown;
  readonly output?: unknown;
  readonly error?: Fault | null;
  readonly request_id?: string | null;
  readonly correlation?: string | null;
  readonly attempt: number;
  readonly started_at: string;
  readonly finished_at: string | null;
  readonly duration_us: number | null;
  readonly sequence: number;
  readonly steps: readonly Step[];
}

export interface RunEvent {
  readonly kind: string;
  readonly at?: string;
  /** The step that changed, whole or in part; always with its index. */
  readonly step?: Partial<Step> & { readonly index: number };
  /** Columns of the run that changed. */
  readonly run?: Partial<Omit<Run, "steps" | "sequence" | "id">>;
}

const fresh = { name: "", kind: "", state: "ready", attempt: 1 } as const;

function withStep(steps: readonly Step[], change: NonNullable<RunEvent["step"]>): readonly Step[] {
  const known = steps.find((step) => step.index === change.index);
  if (known === undefined) {
    return [...steps, { ...fresh, ...change }].sort((a, b) => a.index - b.index);
  }
  return steps.map((step) => (step === known ? { ...step, ...change } : step));
}

/**
 * The run after `event`. Events carry values as they are, not differences: applying one twice changes nothing.
 * Several steps may have changed on the way to one number; the event of the run itself closes the number.
 */
export function applyRunEvent(run: Run, event: RunEvent, sequence: number): Run {
  if (sequence <= run.sequence) return run;
  return {
    ...run,
    ...event.run,
    steps: event.step === undefined ? run.steps : withStep(run.steps, event.step),
    sequence: event.run === undefined ? run.sequence : sequence,
  };
}

export function isFinished(state: RunState): boolean {
  return state === "done" || state === "failed" || state === "cancelled";
}
