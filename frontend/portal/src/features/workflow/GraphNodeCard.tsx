import type { NodeColour, NodeFindings, PlacedNode } from "@weft/graph";
import { Icon, lookOf, lookOfFinding, plural } from "@weft/kit";
import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";

export interface NodeCardData extends Record<string, unknown> {
  readonly node: PlacedNode;
  readonly direction: "down" | "right";
  readonly findings: NodeFindings | undefined;
  readonly colour: NodeColour | undefined;
  readonly isDimmed: boolean;
}

export type CardNode = Node<NodeCardData, "card">;

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
  const [target, source] = direction === "down" ? [Position.Top, Position.Bottom] : [Position.Left, Position.Right];
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
