/** Where nodes and edges go: layered by dagre, loose nodes in rows underneath, the direction that shows more. */

import { Graph, layout as dagreLayout } from "@dagrejs/dagre";
import type { DocumentGraph, GraphEdge, GraphNode } from "./document";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface PlacedNode extends GraphNode, Size {
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge extends GraphEdge {
  readonly id: string;
}

export type Direction = "down" | "right";

export interface PlacedGraph extends Size {
  readonly direction: Direction;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

export const nodeSize: Size = { width: 208, height: 56 };

const between = { nodes: 28, ranks: 52, loose: 20 } as const;

/** Edges that can be drawn: both ends exist and differ, each pair of ends once per kind. */
export function drawableEdges(graph: DocumentGraph): PlacedEdge[] {
  const known = new Set(graph.nodes.map((node) => node.id));
  const seen = new Map<string, PlacedEdge>();
  for (const edge of graph.edges) {
    if (edge.from === edge.to || !known.has(edge.from) || !known.has(edge.to)) continue;
    const id = `${edge.from}->${edge.to}:${edge.kind}`;
    const first = seen.get(id);
    const labels = new Set([...(first?.label.split(" · ") ?? []), edge.label].filter(Boolean));
    seen.set(id, { ...edge, id, label: [...labels].join(" · ") });
  }
  return [...seen.values()];
}

function layered(nodes: readonly GraphNode[], edges: readonly PlacedEdge[], direction: Direction): PlacedNode[] {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: direction === "down" ? "TB" : "LR",
    nodesep: between.nodes,
    ranksep: between.ranks,
    marginx: 0,
    marginy: 0,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { ...nodeSize });
  for (const edge of edges) graph.setEdge(edge.from, edge.to, {}, edge.id);
  if (nodes.length > 0) dagreLayout(graph);
  return nodes.map((node) => {
    const centre = graph.node(node.id) as unknown as { x: number; y: number };
    return {
      ...node,
      ...nodeSize,
      x: Math.round(centre.x - nodeSize.width / 2),
      y: Math.round(centre.y - nodeSize.height / 2),
    };
  });
}

function rows(nodes: readonly GraphNode[], top: number, columns: number): PlacedNode[] {
  return nodes.map((node, index) => ({
    ...node,
    ...nodeSize,
    x: (index % columns) * (nodeSize.width + between.loose),
    y: top + Math.floor(index / columns) * (nodeSize.height + between.loose),
  }));
}

function extent(nodes: readonly PlacedNode[]): Size {
  return {
    width: Math.max(0, ...nodes.map((node) => node.x + node.width)),
    height: Math.max(0, ...nodes.map((node) => node.y + node.height)),
  };
}

/** Lay the whole graph out in one direction. Equal input gives equal output. */
export function layoutGraph(graph: DocumentGraph, direction: Direction): PlacedGraph {
  const edges = drawableEdges(graph);
  const tied = new Set(edges.flatMap((edge) => [edge.from, edge.to]));
  const main = layered(graph.nodes.filter((node) => tied.has(node.id)), edges, direction);
  const size = extent(main);
  const loose = graph.nodes.filter((node) => !tied.has(node.id));
  const columns = Math.max(1, Math.floor((Math.max(size.width, 3 * nodeSize.width) + between.loose) /
    (nodeSize.width + between.loose)));
  const nodes = [...main, ...rows(loose, main.length > 0 ? size.height + between.ranks : 0, columns)];
  return { direction, nodes, edges, ...extent(nodes) };
}

/** How large the graph would appear when fitted whole into `view`; 1 is life size. */
export function fitScale(size: Size, view: Size): number {
  if (size.width === 0 || size.height === 0) return 1;
  return Math.min(1, view.width / size.width, view.height / size.height);
}

/** Lay the graph out in the direction that shows it larger in `view`; downwards when both are equal. */
export function layoutToFit(graph: DocumentGraph, view: Size): PlacedGraph {
  const down = layoutGraph(graph, "down");
  const right = layoutGraph(graph, "right");
  return fitScale(right, view) > fitScale(down, view) ? right : down;
}
