import { aRun } from "@weft/live/testing";
import { describe, expect, it } from "vitest";
import { thinnest, waterfall } from "./waterfall";

const begin = "2026-01-05T10:00:00.000Z";
const start = Date.parse(begin);
const step = { name: "a", kind: "uses", state: "done", attempt: 1 } as const;

describe("waterfall", () => {
  it("places each step by its start and its length", () => {
    const { total, bars } = waterfall(
      aRun({
        started_at: begin,
        finished_at: "2026-01-05T10:00:01Z",
        duration_us: 1_000_000,
        steps: [
          { ...step, index: 0, started_at: begin, duration_us: 250_000 },
          { ...step, index: 1, started_at: "2026-01-05T10:00:00.250Z", duration_us: 750_000 },
        ],
      }),
      start + 99_000,
    );
    expect(total).toBe(1_000_000);
    expect(bars).toEqual([
      { left: 0, width: 25 },
      { left: 25, width: 75 },
    ]);
  });

  it("lets an open step grow to now", () => {
    const run = aRun({
      started_at: begin,
      steps: [{ ...step, index: 0, state: "waiting", started_at: "2026-01-05T10:00:01Z" }],
    });
    expect(waterfall(run, start + 2_000).bars).toEqual([{ left: 50, width: 50 }]);
    expect(waterfall(run, start + 4_000).bars).toEqual([{ left: 25, width: 75 }]);
  });

  it("never draws a bar too thin to see and none for a step that has not started", () => {
    const { bars } = waterfall(
      aRun({
        started_at: begin,
        finished_at: begin,
        duration_us: 10_000_000,
        steps: [
          { ...step, index: 0, started_at: begin, duration_us: 1 },
          { ...step, index: 1, state: "ready" },
        ],
      }),
      start,
    );
    expect(bars).toEqual([{ left: 0, width: thinnest }, null]);
  });
});
