/** What a run means for the drawing: which nodes it touched and in what state they are. */

import type { DocumentGraph, GraphNode } from "./document";
import { nodeAt } from "./findings";

export type StepState = "ready" | "claimed" | "running" | "waiting" | "done" | "failed" | "cancelled" | "unknown";

/** The part of a step that the drawing needs. */
export interface StepMark {
  readonly name: string;
  readonly path?: string | null;
  readonly module?: string | null;
  readonly state: StepState;
}

/** The part of a run that the drawing needs. */
export interface RunMark {
  readonly entry?: string | null;
  readonly state: StepState;
  readonly steps: readonly StepMark[];
}

export interface NodeColour {
  readonly state: StepState;
  readonly steps: number;
}

const attention: readonly StepState[] = [
  "failed",
  "unknown",
  "running",
  "claimed",
  "waiting",
  "ready",
  "cancelled",
  "done",
];

function stronger(a: StepState, b: StepState): StepState {
  return attention.indexOf(a) <= attention.indexOf(b) ? a : b;
}

function byName(graph: DocumentGraph, name: string): GraphNode | undefined {
  return graph.nodes.find((node) => node.id === name || node.title === name);
}

/** The node a step ran in: its module, else the place it is written. */
export function nodeOfStep(graph: DocumentGraph, step: StepMark): GraphNode | undefined {
  if (step.module) {
    const own = graph.nodes.find((node) => node.id === step.module || node.id === `module:${step.module}`);
    if (own !== undefined) return own;
  }
  return step.path ? nodeAt(graph, step.path) : undefined;
}

function nodeOfEntry(graph: DocumentGraph, entry: string): GraphNode | undefined {
  const name = entry.slice(entry.indexOf(":") + 1);
  return graph.nodes.find((node) => node.id === entry) ?? byName(graph, name);
}

/** Colour the nodes that a run touched; the state that most needs a look wins where several steps share a node. */
export function colourRun(graph: DocumentGraph, run: RunMark): ReadonlyMap<string, NodeColour> {
  const colours = new Map<string, NodeColour>();
  const paint = (node: GraphNode | undefined, state: StepState, steps: number): void => {
    if (node === undefined) return;
    const before = colours.get(node.id);
    colours.set(node.id, {
      state: before === undefined ? state : stronger(before.state, state),
      steps: (before?.steps ?? 0) + steps,
    });
  };
  for (const step of run.steps) paint(nodeOfStep(graph, step), step.state, 1);
  if (run.entry) paint(nodeOfEntry(graph, run.entry), run.state, 0);
  return colours;
}

/** Edges between two coloured nodes were travelled. */
export function travelledEdges(
  edges: readonly { readonly id: string; readonly from: string; readonly to: string }[],
  colours: ReadonlyMap<string, NodeColour>,
): ReadonlySet<string> {
  return new Set(edges.filter((edge) => colours.has(edge.from) && colours.has(edge.to)).map((edge) => edge.id));
}
