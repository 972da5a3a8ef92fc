/** Findings as ranges of the text. Pure: lines in, offsets out. */

import type { Finding } from "@weft/graph";

export interface Lines {
  readonly lines: number;
  line(number: number): { readonly from: number; readonly to: number; readonly text: string };
}

export interface Range {
  readonly from: number;
  readonly to: number;
  readonly finding: Finding;
}

function endOfWord(text: string, start: number): number {
  const rest = /^[^\s:#,\]}]+/.exec(text.slice(start));
  return start + (rest?.[0].length ?? 0);
}

/** The word at the finding's place; the whole line when there is none. A finding without a place has no range. */
export function rangeOf(document: Lines, finding: Finding): Range | null {
  if (finding.line < 1 || finding.line > document.lines) return null;
  const line = document.line(finding.line);
  const start = Math.min(Math.max(0, finding.column - 1), line.text.length);
  const end = endOfWord(line.text, start);
  if (end > start) return { from: line.from + start, to: line.from + end, finding };
  const indent = line.text.length - line.text.trimStart().length;
  return { from: line.from + Math.min(indent, line.text.length), to: line.to, finding };
}

/** One finding to show behind each line, the worst first met, and how many more there are. */
export function perLine(findings: readonly Finding[]): Map<number, { finding: Finding; more: number }> {
  const lines = new Map<number, { finding: Finding; more: number }>();
  for (const finding of findings) {
    const known = lines.get(finding.line);
    if (finding.line > 0) lines.set(finding.line, { finding: known?.finding ?? finding, more: known ? known.more + 1 : 0 });
  }
  return lines;
}
