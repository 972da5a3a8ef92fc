/** A socket and a clock that a test holds in its hand. */

import type { Clock, Socket } from "./connection";
import type { ClientFrame, ServerFrame } from "./frames";
import type { Run } from "./run";

export class FakeClock implements Clock {
  #now = 0;
  #timers: { at: number; action: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, action: () => void): () => void {
    const timer = { at: this.#now + milliseconds, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Let time pass, firing what falls due in order. */
  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = due.at;
      due.action();
    }
    this.#now = end;
  }
}

export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { readonly data: unknown }) => void) | null = null;
  onclose: ((event: { readonly code: number }) => void) | null = null;
  readonly sent: ClientFrame[] = [];
  isClosed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientFrame);
  }

  close(): void {
    this.isClosed = true;
  }

  accept(): void {
    this.onopen?.();
  }

  tell(frame: ServerFrame): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  cut(code = 1006): void {
    this.onclose?.({ code });
  }
}

export function aRun(given: Partial<Run> = {}): Run {
  return {
    id: "018f0000-0000-7000-8000-000000000001",
    workflow: { id: "w", slug: "orders", name: "Orders" },
    version: 3,
    environment: "prod",
    source: "http",
    entry: "pipeline:accept",
    state: "running",
    wait: null,
    attempt: 1,
    started_at: "2026-01-05T10:00:00Z",
    finished_at: null,
    duration_us: null,
    sequence: 4,
    steps: [{ index: 0, name: "check", kind: "validate", state: "done", attempt: 1, duration_us: 900 }],
    ...given,
  };
}
