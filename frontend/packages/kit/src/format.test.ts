import { describe, expect, it } from "vitest";
import { entryWords, formatDuration, plural, relativeTime, shortId } from "./format";

describe("durations", () => {
  it.each([
    [0, "0 µs"],
    [840, "840 µs"],
    [12_400, "12.4 ms"],
    [999_000, "999 ms"],
    [3_200_000, "3.20 s"],
    [125_000_000, "2 min 05 s"],
    [7_380_000_000, "2 h 03 min"],
  ])("%d microseconds read %s", (given, expected) => {
    expect(formatDuration(given)).toBe(expected);
  });
});

describe("relative times", () => {
  const now = Date.parse("2026-01-05T10:00:00Z");
  it.each([
    [2, "just now"],
    [42, "42 s ago"],
    [61, "1 min ago"],
    [3 * 3600, "3 h ago"],
    [2 * 86_400 + 5, "2 d ago"],
    [-90, "in 1 min"],
  ])("%d seconds before now reads %s", (seconds, expected) => {
    expect(relativeTime(now - seconds * 1000, now)).toBe(expected);
  });
});

describe("short forms", () => {
  it("keep the end of an id, where neighbours differ", () => {
    expect(shortId("018f0000-0000-7000-8000-0000deadbeef")).toBe("deadbeef");
    expect(shortId("order-7")).toBe("order-7");
  });

  it("leave the kind of an entry out", () => {
    expect([entryWords("route:POST /orders"), entryWords("pipeline:accept"), entryWords("order")]).toEqual([
      "POST /orders",
      "accept",
      "order",
    ]);
    expect(entryWords("message:order.paid -> tell-partner")).toBe("order.paid → tell-partner");
  });

  it("count in words", () => {
    expect([plural(1, "step"), plural(3, "step"), plural(2, "entry", "entries")]).toEqual([
      "1 step",
      "3 steps",
      "2 entries",
    ]);
  });
});
