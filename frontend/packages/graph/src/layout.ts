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

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge extends GraphEdge {
  readonly id: string;
  /** From the border of one node to the border of the other. */
  readonly points: readonly Point[];
  readonly labelAt: Point | null;
}

export type Direction = "down" | "right";

export interface PlacedGraph extends Size {
  readonly direction: Direction;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

const widths = { least: 116, most: 212, edges: 46, title: 7.3, kind: 6.8 } as const;
const labels = { letter: 6.7, height: 16, most: 26 } as const;
const margin = 16;
const between = { nodes: 24, ranks: 34, loose: 16 } as const;
export const nodeHeight = 50;

/** Wide enough for what is written on the node, within limits. */
export function nodeSize(node: Pick<GraphNode, "title" | "kind">): Size {
  const text = Math.max(node.title.length * widths.title, node.kind.length * widths.kind);
  return { width: Math.round(Math.min(widths.most, Math.max(widths.least, text + widths.edges))), height: nodeHeight };
}

/** What is written on an edge: what the kind of the edge does not say already, and not too much of it. */
export function edgeLabel(edge: Pick<GraphEdge, "kind" | "label">): string {
  const text = edge.kind === "middleware" || edge.label === "http" ? "" : edge.label.replace(/^topic: /, "");
  return text.length > labels.most ? `${text.slice(0, labels.most - 1)}…` : text;
}

interface DrawableEdge extends GraphEdge {
  readonly id: string;
}

/** Edges that can be drawn: both ends exist and differ, each pair of ends once per kind. */
export function drawableEdges(graph: DocumentGraph): DrawableEdge[] {
  const known = new Set(graph.nodes.map((node) => node.id));
  const seen = new Map<string, DrawableEdge>();
  for (const edge of graph.edges) {
    if (edge.from === edge.to || !known.has(edge.from) || !known.has(edge.to)) continue;
    const id = `${edge.from}->${edge.to}:${edge.kind}`;
    const first = seen.get(id);
    const all = new Set([...(first?.label.split(" · ") ?? []), edge.label].filter(Boolean));
    seen.set(id, { ...edge, id, label: [...all].join(" · ") });
  }
  return withoutRepeats([...seen.values()]);
}

/** A dependency says nothing beside an edge of another kind between the same two. */
function withoutRepeats(edges: readonly DrawableEdge[]): DrawableEdge[] {
  const told = new Set(edges.filter((edge) => edge.kind !== "dependency").map((edge) => `${edge.from}->${edge.to}`));
  return edges.filter((edge) => edge.kind !== "dependency" || !told.has(`${edge.from}->${edge.to}`));
}

interface Placed {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

function fill(nodes: readonly GraphNode[], edges: readonly DrawableEdge[], direction: Direction): Graph {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction === "down" ? "TB" : "LR", nodesep: between.nodes, ranksep: between.ranks });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { ...nodeSize(node) });
  for (const edge of edges) {
    const text = edgeLabel(edge);
    const size = text === "" ? { width: 0, height: 0 } : { width: text.length * labels.letter + 8, height: labels.height };
    graph.setEdge(edge.from, edge.to, { ...size, labelpos: "c" }, edge.id);
  }
  return graph;
}

function layered(nodes: readonly GraphNode[], edges: readonly DrawableEdge[], direction: Direction): Placed {
  if (nodes.length === 0) return { nodes: [], edges: [] };
  const graph = fill(nodes, edges, direction);
  dagreLayout(graph);
  return {
    nodes: nodes.map((node) => {
      const size = nodeSize(node);
      const centre = graph.node(node.id) as unknown as Point;
      return {
        ...node,
        ...size,
        x: Math.round(centre.x - size.width / 2),
        y: Math.round(centre.y - size.height / 2),
      };
    }),
    edges: edges.map((edge) => {
      const drawn = graph.edge(edge.from, edge.to, edge.id) as unknown as { points: Point[]; x?: number; y?: number };
      const text = edgeLabel(edge);
      const labelAt = text === "" || drawn.x === undefined || drawn.y === undefined ? null : { x: drawn.x, y: drawn.y };
      return { ...edge, label: text, points: drawn.points, labelAt };
    }),
  };
}

/** Nodes that nothing refers to, in rows of the given width. */
function rows(nodes: readonly GraphNode[], top: number, width: number): PlacedNode[] {
  let [x, y] = [0, top];
  return nodes.map((node) => {
    const size = nodeSize(node);
    if (x > 0 && x + size.width > width) [x, y] = [0, y + nodeHeight + between.loose];
    const placed = { ...node, ...size, x, y };
    x += size.width + between.loose;
    return placed;
  });
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
  const size = extent(main.nodes);
  const loose = graph.nodes.filter((node) => !tied.has(node.id));
  const top = main.nodes.length > 0 ? size.height + between.ranks : 0;
  const nodes = [...main.nodes, ...rows(loose, top, Math.max(size.width, 3 * widths.most))];
  return { direction, nodes, edges: main.edges, ...extent(nodes) };
}

function half(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function at({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
}

/** The points as one smooth SVG path: straight at both ends, bent at the points between. */
export function smoothPath(points: readonly Point[]): string {
  const [first, ...others] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return "";
  const bends = others.slice(0, -1).map((point, index) => {
    const next = others[index + 1] ?? point;
    const end = index === others.length - 2 ? next : half(point, next);
    return `Q ${at(point)} ${at(end)}`;
  });
  return bends.length === 0 ? `M ${at(first)} L ${at(last)}` : [`M ${at(first)}`, ...bends].join(" ");
}

/** How large the graph would appear when fitted whole into `view`; 1 is life size. */
export function fitScale(size: Size, view: Size): number {
  if (size.width === 0 || size.height === 0) return 1;
  return Math.min(1, view.width / size.width, view.height / size.height);
}

/** The smallest scale at which what is written on nodes can be read. */
export const readableScale = 0.75;

export interface View extends Point {
  readonly zoom: number;
}

/**
 * Where to look first: at the whole of what matters when it can be read then, else from its first node on, with the
 * rest to the right and below. `only` names the nodes that matter; without it all do.
 */
export function firstView(placed: PlacedGraph, view: Size, only?: ReadonlySet<string>): View {
  const named = placed.nodes.filter((node) => only?.has(node.id));
  const nodes = named.length > 0 ? named : placed.nodes;
  if (nodes.length === 0) return { x: 0, y: 0, zoom: 1 };
  const [left, top] = [Math.min(...nodes.map((node) => node.x)), Math.min(...nodes.map((node) => node.y))];
  const all = extent(nodes);
  const size = { width: all.width - left, height: all.height - top };
  const inner = { width: view.width - 2 * margin, height: view.height - 2 * margin };
  const zoom = Math.max(readableScale, fitScale(size, inner));
  const start = entryOf(nodes, placed);
  return {
    zoom,
    x: along(left, size.width, start.x, start.width, view.width, zoom),
    y: along(top, size.height, start.y, start.height, view.height, zoom),
  };
}

/** The node that comes first in the drawing's direction; of several in one rank the one nearest the corner. */
function entryOf(nodes: readonly PlacedNode[], placed: PlacedGraph): PlacedNode {
  const tied = new Set(placed.edges.map((edge) => edge.from));
  const starts = nodes.filter((node) => tied.has(node.id));
  const rank = (node: PlacedNode): number => (placed.direction === "down" ? node.y * 1000 + node.x : node.x * 1000 + node.y);
  return (starts.length > 0 ? starts : nodes).reduce((best, node) => (rank(node) < rank(best) ? node : best));
}

/** One coordinate of the view: centred when everything fits, else with the start in it and no empty strip before it. */
function along(from: number, length: number, start: number, size: number, room: number, zoom: number): number {
  const spare = room - length * zoom;
  if (spare >= 2 * margin) return spare / 2 - from * zoom;
  const atEdge = margin - from * zoom;
  const end = (start + size) * zoom + atEdge;
  if (end <= room - margin) return atEdge;
  return Math.max(room - margin - (from + length) * zoom, margin - start * zoom);
}

/** Lay the graph out in the direction that shows it larger in `view`; downwards when both are equal. */
export function layoutToFit(graph: DocumentGraph, view: Size): PlacedGraph {
  const down = layoutGraph(graph, "down");
  const right = layoutGraph(graph, "right");
  return fitScale(right, view) > fitScale(down, view) ? right : down;
}
