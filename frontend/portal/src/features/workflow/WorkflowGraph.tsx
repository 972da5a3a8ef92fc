import {
  colourRun,
  type DocumentGraph,
  type Finding,
  firstView,
  type GraphNode,
  layoutToFit,
  type PlacedGraph,
  placeFindings,
  type RunMark,
  type Size,
  travelledEdges,
} from "@weft/graph";
import { Background, BackgroundVariant, Controls, MarkerType, ReactFlow, type ReactFlowInstance } from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { type KeyboardEvent, type RefObject, useEffect, useMemo, useRef, useState } from "react";
import { GraphEdgePath, type PathEdge } from "./GraphEdgePath";
import { type CardNode, GraphNodeCard, handlesOf } from "./GraphNodeCard";

const nodeTypes = { card: GraphNodeCard };
const edgeTypes = { path: GraphEdgePath };
const fit = { padding: 0.08, maxZoom: 1, minZoom: 0.2 } as const;

export interface WorkflowGraphProps {
  readonly graph: DocumentGraph;
  readonly findings: readonly Finding[];
  readonly run: RunMark | null;
  readonly isStale: boolean;
  /** Show what the run touched as large as fits, instead of the whole. */
  readonly isFocused?: boolean;
  readonly onOpen: (node: GraphNode) => void;
}

function useSize(): [RefObject<HTMLDivElement | null>, Size] {
  const place = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useEffect(() => {
    if (place.current === null) return undefined;
    const watch = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setSize({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    watch.observe(place.current);
    return () => watch.disconnect();
  }, []);
  return [place, size];
}

/** What decides where things go; while it stays the same, nothing moves. */
function shapeOf(graph: DocumentGraph): string {
  return JSON.stringify([graph.nodes.map((node) => node.id), graph.edges.map((edge) => [edge.from, edge.to, edge.kind])]);
}

function usePlaced(graph: DocumentGraph, size: Size): PlacedGraph {
  const shape = shapeOf(graph);
  const isMeasured = size.width > 0;
  const isWide = size.width > size.height;
  const placed = useMemo(() => layoutToFit(graph, isMeasured ? size : { width: 640, height: 640 }), [shape, isMeasured, isWide]);
  return useMemo(() => {
    const known = new Map(graph.nodes.map((node) => [node.id, node]));
    return { ...placed, nodes: placed.nodes.map((node) => ({ ...node, ...known.get(node.id) })) };
  }, [placed, graph]);
}

function edgesOf(placed: PlacedGraph, travelled: ReadonlySet<string>, hasRun: boolean): PathEdge[] {
  return placed.edges.map((edge) => {
    const isTravelled = travelled.has(edge.id);
    const isDimmed = hasRun && !isTravelled;
    return {
      id: edge.id,
      source: edge.from,
      target: edge.to,
      type: "path",
      focusable: false,
      className: `edge edge--${edge.kind} ${isTravelled ? "edge--travelled" : isDimmed ? "edge--dimmed" : ""}`,
      markerEnd: { type: MarkerType.ArrowClosed, width: 14, height: 14, color: isTravelled ? "var(--done)" : "var(--edge)" },
      data: { edge, isTravelled, isDimmed },
    };
  });
}

/** The document, drawn and laid out; it cannot be edited here, every node leads to its line. */
export function WorkflowGraph({ graph, findings, run, isStale, isFocused = false, onOpen }: WorkflowGraphProps) {
  const [place, size] = useSize();
  const flow = useRef<ReactFlowInstance<CardNode, PathEdge> | null>(null);
  const placed = usePlaced(graph, size);
  const found = useMemo(() => placeFindings(graph, findings), [graph, findings]);
  const colours = useMemo(() => (run === null ? null : colourRun(graph, run)), [graph, run]);
  const nodes = useMemo<CardNode[]>(
    () =>
      placed.nodes.map((node) => ({
        id: node.id,
        type: "card",
        position: { x: node.x, y: node.y },
        width: node.width,
        height: node.height,
        handles: handlesOf(node, placed.direction),
        ariaLabel: `${node.title}, ${node.kind}, line ${node.line}`,
        data: {
          node,
          direction: placed.direction,
          findings: found.nodes.get(node.id),
          colour: colours?.get(node.id),
          isDimmed: colours !== null && !colours.has(node.id),
        },
      })),
    [placed, found, colours],
  );
  const edges = useMemo(
    () => edgesOf(placed, colours === null ? new Set() : travelledEdges(placed.edges, colours), colours !== null),
    [placed, colours],
  );
  const touched = isFocused && colours !== null ? [...colours.keys()].join(" ") : "";
  useEffect(() => {
    const view = firstView(placed, size, new Set(touched.split(" ")));
    const frame = requestAnimationFrame(() => void flow.current?.setViewport(view));
    return () => cancelAnimationFrame(frame);
  }, [placed.direction, placed.width, placed.height, size.width, size.height, touched]);

  const openByKey = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || !(event.target instanceof HTMLElement)) return;
    const node = graph.nodes.find((one) => one.id === (event.target as HTMLElement).dataset["id"]);
    if (node !== undefined) onOpen(node);
  };

  return (
    <div ref={place} className="graph" data-stale={isStale || undefined} data-testid="graph" onKeyDown={openByKey}>
      {size.width > 0 && <ReactFlow<CardNode, PathEdge>
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onInit={(instance) => {
          flow.current = instance;
        }}
        onNodeClick={(_, node) => onOpen(node.data.node)}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        deleteKeyCode={null}
        defaultViewport={firstView(placed, size, new Set(touched.split(" ")))}
        minZoom={0.2}
        maxZoom={1.6}
        proOptions={{ hideAttribution: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1} />
        <Controls orientation="horizontal" showInteractive={false} fitViewOptions={fit} />
      </ReactFlow>}
      {graph.nodes.length === 0 && <p className="graph__empty">Nothing to draw yet: the document names no module.</p>}
      {isStale && graph.nodes.length > 0 && (
        <p className="graph__note" role="status">
          Drawn from the last text that could be read
        </p>
      )}
    </div>
  );
}
