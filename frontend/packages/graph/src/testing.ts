/** Small graphs for tests. */

import type { DocumentGraph, Finding, GraphEdge, GraphNode } from "./document";

export function aNode(id: string, given: Partial<GraphNode> = {}): GraphNode {
  return { id, kind: "http.handler", category: "http", title: id, path: "", line: 1, ...given };
}

export function anEdge(from: string, to: string, given: Partial<GraphEdge> = {}): GraphEdge {
  return { from, to, kind: "dependency", label: "", ...given };
}

export function aFinding(path: string, given: Partial<Finding> = {}): Finding {
  return { severity: "error", code: "module.unknown", path, line: 1, column: 1, message: "not known", ...given };
}

/** A chain server -> router -> handler and one module that nothing refers to. */
export const chain: DocumentGraph = {
  nodes: [
    aNode("server", { kind: "http.server", path: "modules[0]", line: 2 }),
    aNode("router", { kind: "http.router", path: "modules[1]", line: 5 }),
    aNode("handler", { kind: "http.handler", path: "modules[2]", line: 8 }),
    aNode("metrics", { kind: "metrics.collector", category: "observability", path: "modules[10]", line: 30 }),
  ],
  edges: [anEdge("server", "router"), anEdge("router", "handler")],
};
