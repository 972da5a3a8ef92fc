import { type PlacedEdge, smoothPath } from "@weft/graph";
import { BaseEdge, type Edge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";

export interface EdgeData extends Record<string, unknown> {
  readonly edge: PlacedEdge;
  readonly isTravelled: boolean;
  readonly isDimmed: boolean;
}

export type PathEdge = Edge<EdgeData, "path">;

/** An edge along the way that the layout found for it, with its label where the layout left room. */
export function GraphEdgePath({ id, data, markerEnd }: EdgeProps<PathEdge>) {
  if (data === undefined) return null;
  const { edge, isDimmed } = data;
  return (
    <>
      <BaseEdge id={id} path={smoothPath(edge.points)} {...(markerEnd === undefined ? {} : { markerEnd })} />
      {edge.labelAt !== null && (
        <EdgeLabelRenderer>
          <span
            className="edge-label"
            data-dimmed={isDimmed || undefined}
            style={{ transform: `translate(-50%, -50%) translate(${edge.labelAt.x}px, ${edge.labelAt.y}px)` }}
          >
            {edge.label}
          </span>
        </EdgeLabelRenderer>
      )}
    </>
  );
}
