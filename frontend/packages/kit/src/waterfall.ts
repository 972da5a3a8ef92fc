/** Where each step's bar lies on the time line of its run. */

import type { Run, Step } from "@weft/live";

export interface Bar {
  /** In percent of the whole line. */
  readonly left: number;
  readonly width: number;
}

export interface Waterfall {
  /** The length of the line in microseconds. */
  readonly total: number;
  readonly bars: readonly (Bar | null)[];
}

export const thinnest = 0.6;

function micros(iso: string): number {
  return Date.parse(iso) * 1000;
}

function isOpen(step: Step): boolean {
  return step.state === "running" || step.state === "claimed" || step.state === "waiting";
}

function span(step: Step, begin: number, now: number): { start: number; length: number } | null {
  if (!step.started_at) return null;
  const start = Math.max(0, micros(step.started_at) - begin);
  const length = isOpen(step) ? Math.max(0, now - begin - start) : (step.duration_us ?? 0);
  return { start, length };
}

/** The bars of a run at `now`, in milliseconds; the bar of a step still open grows with it. */
export function waterfall(run: Pick<Run, "started_at" | "duration_us" | "finished_at" | "steps">, now: number): Waterfall {
  const begin = micros(run.started_at);
  const spans = run.steps.map((step) => span(step, begin, now * 1000));
  const ends = spans.map((one) => (one === null ? 0 : one.start + one.length));
  const running = run.finished_at === null ? now * 1000 - begin : (run.duration_us ?? 0);
  const total = Math.max(1, running, ...ends);
  const bars = spans.map((one) => {
    if (one === null) return null;
    const width = Math.max(thinnest, (one.length / total) * 100);
    return { left: Math.min(100 - thinnest, (one.start / total) * 100), width: Math.min(100, width) };
  });
  return { total, bars };
}
