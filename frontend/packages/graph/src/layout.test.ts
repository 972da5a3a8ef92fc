import { describe, expect, it } from "vitest";
import { emptyGraph } from "./document";
import { drawableEdges, fitScale, layoutGraph, layoutToFit, nodeSize } from "./layout";
import { aNode, anEdge, chain } from "./testing";

function overlaps(a: { x: number; y: number }, b: { x: number; y: number }): boolean {
  return Math.abs(a.x - b.x) < nodeSize.width && Math.abs(a.y - b.y) < nodeSize.height;
}

describe("layout", () => {
  it("puts what depends further along the direction", () => {
    const down = layoutGraph(chain, "down");
    const y = Object.fromEntries(down.nodes.map((node) => [node.id, node.y]));
    expect([y["server"], y["router"], y["handler"]]).toEqual([0, 108, 216]);
    const right = layoutGraph(chain, "right");
    const x = Object.fromEntries(right.nodes.map((node) => [node.id, node.x]));
    expect([x["server"], x["router"], x["handler"]]).toEqual([0, 260, 520]);
  });

  it("puts loose nodes underneath and lets no two nodes overlap", () => {
    const loose = Array.from({ length: 7 }, (_, index) => aNode(`loose-${index}`));
    const placed = layoutGraph({ nodes: [...chain.nodes, ...loose], edges: chain.edges }, "down");
    const bottom = Math.max(...placed.nodes.filter((node) => node.id === "handler").map((node) => node.y));
    expect(placed.nodes.filter((node) => node.id.startsWith("loose")).every((node) => node.y > bottom)).toBe(true);
    for (const a of placed.nodes) for (const b of placed.nodes) if (a !== b) expect(overlaps(a, b)).toBe(false);
  });

  it("lays out equal graphs equally, cycles included", () => {
    const cycle = { nodes: chain.nodes, edges: [...chain.edges, anEdge("handler", "server")] };
    expect(layoutGraph(cycle, "down")).toEqual(layoutGraph(cycle, "down"));
  });

  it("draws a pair once per kind, joins its labels, and leaves out edges without both ends", () => {
    const edges = drawableEdges({
      nodes: chain.nodes,
      edges: [
        anEdge("server", "router", { label: "GET /a" }),
        anEdge("server", "router", { label: "GET /b" }),
        anEdge("server", "nobody"),
        anEdge("server", "server"),
      ],
    });
    expect(edges).toEqual([
      { id: "server->router:depends", from: "server", to: "router", kind: "depends", label: "GET /a · GET /b" },
    ]);
  });

  it("chooses the direction that shows the graph larger", () => {
    const tied = { nodes: chain.nodes.slice(0, 3), edges: chain.edges };
    expect(layoutToFit(tied, { width: 300, height: 600 }).direction).toBe("down");
    expect(layoutToFit(tied, { width: 900, height: 120 }).direction).toBe("right");
  });

  it("fits nothing at life size", () => {
    expect(layoutGraph(emptyGraph, "down")).toMatchObject({ nodes: [], width: 0, height: 0 });
    expect(fitScale({ width: 0, height: 0 }, { width: 10, height: 10 })).toBe(1);
    expect(fitScale({ width: 200, height: 100 }, { width: 100, height: 100 })).toBe(0.5);
  });
});
