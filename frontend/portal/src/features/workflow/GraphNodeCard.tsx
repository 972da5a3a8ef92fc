import type { NodeColour, NodeFindings, PlacedNode } from "@weft/graph";
import { Icon, lookOf, lookOfFinding, plural } from "@weft/kit";
import { Handle, type Node, type NodeHandle, type NodeProps, Position } from "@xyflow/react";

export interface NodeCardData extends Record<string, unknown> {
  readonly node: PlacedNode;
  readonly direction: "down" | "right";
  readonly findings: NodeFindings | undefined;
  readonly colour: NodeColour | undefined;
  readonly isDimmed: boolean;
}

export type CardNode = Node<NodeCardData, "card">;

type Sides = readonly [target: Position, source: Position];

function sidesOf(direction: NodeCardData["direction"]): Sides {
  return direction === "down" ? [Position.Top, Position.Bottom] : [Position.Left, Position.Right];
}

/** Where edges meet a card, known beforehand: what has to be measured first leaves the drawing at every change. */
export function handlesOf({ width, height }: PlacedNode, direction: NodeCardData["direction"]): NodeHandle[] {
  const [target, source] = sidesOf(direction);
  const isDown = direction === "down";
  return [
    { type: "target", position: target, x: isDown ? width / 2 : 0, y: isDown ? 0 : height / 2 },
    { type: "source", position: source, x: isDown ? width / 2 : width, y: isDown ? height : height / 2 },
  ];
}

function FindingBadge({ findings }: { readonly findings: NodeFindings }) {
  const look = lookOfFinding(findings.worst);
  const words = `${plural(findings.findings.length, "finding")}, worst: ${look.word.toLowerCase()}`;
  return (
    <span className={`node__badge node__badge--${look.tone}`} title={findings.findings.map((one) => one.message).join("\n")}>
      <Icon name={look.icon} label={words} />
      {findings.findings.length}
    </span>
  );
}

function RunMark({ colour }: { readonly colour: NodeColour }) {
  const look = lookOf(colour.state);
  return (
    <span className={`node__run node__run--${look.tone}`} title={look.word}>
      <Icon name={look.icon} label={look.word} />
    </span>
  );
}

/** One module, route, pipeline or state of the document. */
export function GraphNodeCard({ data, selected }: NodeProps<CardNode>) {
  const { node, direction, findings, colour } = data;
  const [target, source] = sidesOf(direction);
  return (
    <div
      className="node"
      data-category={node.category}
      data-node={node.id}
      data-state={colour === undefined ? undefined : lookOf(colour.state).tone}
      data-finding={findings?.worst}
      data-selected={selected || undefined}
      data-dimmed={data.isDimmed || undefined}
    >
      <Handle type="target" position={target} isConnectable={false} />
      <span className="node__title">{node.title}</span>
      <span className="node__kind">{node.kind}</span>
      {findings !== undefined && <FindingBadge findings={findings} />}
      {colour !== undefined && <RunMark colour={colour} />}
      <Handle type="source" position={source} isConnectable={false} />
    </div>
  );
}
