/**
 * The list of runs says only that there is more; the page decides when to show it.
 * Following again after a lost connection counts as more: nobody knows what was missed.
 */

import type { Connection } from "./connection";

export class RunsFeed {
  #waiting = false;
  readonly #listeners = new Set<() => void>();

  constructor(
    private readonly connection: Connection,
    private readonly stream = "runs",
  ) {}

  /** True when rows arrived that the page does not show yet. */
  get isWaiting(): boolean {
    return this.#waiting;
  }

  follow(): () => void {
    let isFollowing = false;
    return this.connection.subscribe({
      stream: this.stream,
      position: () => null,
      onFrame: (frame) => {
        const isMore = frame.type === "more" || (frame.type === "state" && isFollowing);
        isFollowing = true;
        if (!isMore) return;
        this.#waiting = true;
        for (const listener of this.#listeners) listener();
      },
    });
  }

  onMore(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  shown(): void {
    this.#waiting = false;
  }
}
