/** Which findings belong to which node, and which is the worst of them. */

import type { DocumentGraph, Finding, GraphNode, Severity } from "./document";

const order: Record<Severity, number> = { error: 0, blocked: 1, warning: 2, note: 3 };

export interface NodeFindings {
  readonly worst: Severity;
  readonly findings: readonly Finding[];
}

export interface FindingsByNode {
  readonly nodes: ReadonlyMap<string, NodeFindings>;
  /** Findings about the document as a whole, or about a part that is not drawn. */
  readonly elsewhere: readonly Finding[];
}

/** True when `path` is `parent` itself or something written inside it. */
export function isInside(path: string, parent: string): boolean {
  if (parent === "" || !path.startsWith(parent)) return false;
  const next = path.charAt(parent.length);
  return next === "" || next === "." || next === "[";
}

/** The node whose place is the closest around `path`. */
export function nodeAt(graph: DocumentGraph, path: string): GraphNode | undefined {
  let best: GraphNode | undefined;
  for (const node of graph.nodes) {
    if (isInside(path, node.path) && (best === undefined || node.path.length > best.path.length)) best = node;
  }
  return best;
}

export function worstOf(findings: readonly Finding[]): Severity | undefined {
  return bySeverity(findings)[0]?.severity;
}

/** The findings, worst first, then in the order of the text. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) => order[a.severity] - order[b.severity] || a.line - b.line || a.column - b.column,
  );
}

export function countBySeverity(findings: readonly Finding[]): Record<Severity, number> {
  const counts: Record<Severity, number> = { error: 0, blocked: 0, warning: 0, note: 0 };
  for (const finding of findings) counts[finding.severity] += 1;
  return counts;
}

/** Hand every finding to the node it is written in. */
export function placeFindings(graph: DocumentGraph, findings: readonly Finding[]): FindingsByNode {
  const placed = new Map<string, Finding[]>();
  const elsewhere: Finding[] = [];
  for (const finding of findings) {
    const node = nodeAt(graph, finding.path);
    if (node === undefined) elsewhere.push(finding);
    else placed.set(node.id, [...(placed.get(node.id) ?? []), finding]);
  }
  const nodes = new Map<string, NodeFindings>();
  for (const [id, own] of placed) {
    const sorted = bySeverity(own);
    nodes.set(id, { worst: sorted[0]?.severity ?? "note", findings: sorted });
  }
  return { nodes, elsewhere };
}
