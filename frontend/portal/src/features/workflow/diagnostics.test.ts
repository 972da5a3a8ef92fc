import type { Finding } from "@weft/graph";
import { aFinding } from "@weft/graph/testing";
import { describe, expect, it } from "vitest";
import { type Lines, perLine, rangeOf } from "./diagnostics";

function lines(text: string): Lines {
  const all = text.split("\n");
  return {
    lines: all.length,
    line: (number) => {
      const from = all.slice(0, number - 1).reduce((sum, one) => sum + one.length + 1, 0);
      const line = all[number - 1] ?? "";
      return { from, to: from + line.length, text: line };
    },
  };
}

const text = "modules:\n  - name: api\n    type: http.servre\n";

function marked(finding: Finding): string | null {
  const range = rangeOf(lines(text), finding);
  return range === null ? null : text.slice(range.from, range.to);
}

describe("the range of a finding", () => {
  it("is the word it points at", () => {
    expect(marked(aFinding("modules[0].type", { line: 3, column: 11 }))).toBe("http.servre");
    expect(marked(aFinding("modules", { line: 1, column: 1 }))).toBe("modules");
  });

  it("is the line when it points at nothing", () => {
    expect(marked(aFinding("modules[0]", { line: 2, column: 3 }))).toBe("-");
    expect(marked(aFinding("modules[0]", { line: 2, column: 99 }))).toBe("- name: api");
  });

  it("does not exist without a place in the text", () => {
    expect([marked(aFinding("", { line: 0 })), marked(aFinding("", { line: 99 }))]).toEqual([null, null]);
  });
});

describe("findings behind lines", () => {
  it("show one and count the others", () => {
    const shown = perLine([aFinding("a", { line: 3 }), aFinding("b", { line: 3 }), aFinding("c", { line: 0 })]);
    expect([...shown.entries()].map(([line, one]) => [line, one.finding.path, one.more])).toEqual([[3, "a", 1]]);
  });
});
