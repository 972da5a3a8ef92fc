/** Follows one run: the state first, then what changed, resuming behind the last number that was told whole. */

import type { Connection } from "./connection";
import type { ServerFrame } from "./frames";
import { applyRunEvent, type Run, type RunEvent } from "./run";

export class RunStream {
  #run: Run;
  readonly #listeners = new Set<(run: Run) => void>();

  constructor(
    private readonly connection: Connection,
    first: Run,
  ) {
    this.#run = first;
  }

  get run(): Run {
    return this.#run;
  }

  follow(): () => void {
    return this.connection.subscribe({
      stream: `run:${this.#run.id}`,
      position: () => this.#run.sequence,
      onFrame: (frame) => this.#receive(frame),
    });
  }

  onChange(listener: (run: Run) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #receive(frame: ServerFrame): void {
    if (frame.type === "state") this.#replace(frame.state as Run, frame.sequence);
    if (frame.type === "event") this.#apply(frame.event as RunEvent, frame.sequence);
  }

  #replace(state: Run, sequence: number): void {
    if (sequence >= this.#run.sequence) this.#set({ ...state, sequence });
  }

  #apply(event: RunEvent, sequence: number): void {
    const next = applyRunEvent(this.#run, event, sequence);
    if (next !== this.#run) this.#set(next);
  }

  #set(run: Run): void {
    this.#run = run;
    for (const listener of this.#listeners) listener(run);
  }
}
