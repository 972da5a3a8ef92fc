import { describe, expect, it } from "vitest";
import { emptyGraph } from "./document";
import {
  drawableEdges,
  edgeLabel,
  firstView,
  fitScale,
  layoutGraph,
  layoutToFit,
  nodeHeight,
  nodeSize,
  type PlacedNode,
  readableScale,
  smoothPath,
} from "./layout";
import { aNode, anEdge, chain } from "./testing";

function overlaps(a: PlacedNode, b: PlacedNode): boolean {
  const across = a.x < b.x + b.width && b.x < a.x + a.width;
  return across && a.y < b.y + b.height && b.y < a.y + a.height;
}

describe("layout", () => {
  it("puts what depends further along the direction", () => {
    const y = Object.fromEntries(layoutGraph(chain, "down").nodes.map((node) => [node.id, node.y]));
    expect(y["server"]).toBe(0);
    expect(y["router"]).toBeGreaterThan(nodeHeight);
    expect(y["handler"]).toBeGreaterThan((y["router"] ?? 0) + nodeHeight);
    const x = Object.fromEntries(layoutGraph(chain, "right").nodes.map((node) => [node.id, node.x]));
    expect(x["router"]).toBeGreaterThan(x["server"] ?? 0);
    expect(x["handler"]).toBeGreaterThan(x["router"] ?? 0);
  });

  it("makes a node as wide as its words need, within limits", () => {
    expect(nodeSize({ title: "a", kind: "b" }).width).toBe(116);
    expect(nodeSize({ title: "a", kind: "x".repeat(90) }).width).toBe(212);
    expect(nodeSize({ title: "router", kind: "http.middleware" }).width).toBe(148);
  });

  it("draws an edge from border to border, with room for its label between", () => {
    const labelled = { nodes: chain.nodes, edges: [anEdge("server", "router", { kind: "http-route", label: "GET /a" })] };
    const [edge] = layoutGraph(labelled, "down").edges;
    expect(edge?.points[0]?.y).toBe(nodeHeight);
    expect(edge?.labelAt?.y).toBeGreaterThan(nodeHeight);
    expect(edge?.label).toBe("GET /a");
  });

  it("says on an edge only what its kind does not", () => {
    expect(edgeLabel({ kind: "middleware", label: "middleware" })).toBe("");
    expect(edgeLabel({ kind: "http-route", label: "http" })).toBe("");
    expect(edgeLabel({ kind: "messaging-publication", label: "topic: order.accepted" })).toBe("order.accepted");
    expect(edgeLabel({ kind: "http-route", label: `GET /${"long/".repeat(9)}` })).toHaveLength(26);
  });

  it("bends edges smoothly", () => {
    const points = [0, 1, 2, 3].map((step) => ({ x: step * 10, y: step % 2 }));
    expect(smoothPath(points)).toBe("M 0 0 Q 10 1 15 0.5 Q 20 0 30 1");
    expect(smoothPath(points.slice(0, 2))).toBe("M 0 0 L 10 1");
    expect(smoothPath([])).toBe("");
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
        anEdge("server", "router"),
        anEdge("server", "router", { kind: "http-route", label: "GET /a" }),
        anEdge("server", "router", { kind: "http-route", label: "GET /b" }),
        anEdge("server", "nobody"),
        anEdge("server", "server"),
      ],
    });
    expect(edges).toEqual([
      { id: "server->router:http-route", from: "server", to: "router", kind: "http-route", label: "GET /a · GET /b" },
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

describe("the first view", () => {
  const long = {
    nodes: Array.from({ length: 20 }, (_, index) => aNode(`n${index}`)),
    edges: Array.from({ length: 19 }, (_, index) => anEdge(`n${index}`, `n${index + 1}`)),
  };
  const placed = layoutGraph(long, "down");

  it("shows the whole of a small graph, in the middle", () => {
    const small = layoutGraph(chain, "down");
    const view = firstView(small, { width: 1000, height: 1000 });
    expect(view.zoom).toBe(1);
    expect(view.x).toBe((1000 - small.width) / 2);
  });

  it("never makes a large graph unreadable, and begins at its entry", () => {
    const view = firstView(placed, { width: 300, height: 300 });
    expect(view.zoom).toBe(readableScale);
    expect(view.y).toBe(16);
    expect(placed.nodes[0]?.y).toBe(0);
  });

  it("begins at the first of the nodes that matter", () => {
    const view = firstView(placed, { width: 300, height: 200 }, new Set(["n5", "n6", "n7", "n8"]));
    const first = placed.nodes.find((node) => node.id === "n5");
    expect((first?.y ?? 0) * view.zoom + view.y).toBeCloseTo(16);
    expect(view.zoom).toBe(readableScale);
  });

  it("goes to an entry that lies far from the corner", () => {
    const wide = { nodes: ["a", "b", "c", "d", "e"].map((id) => aNode(id)), edges: ["a", "b", "c", "d"].map((id) => anEdge("e", id)) };
    const fan = layoutGraph(wide, "down");
    const view = firstView(fan, { width: 220, height: 400 });
    const entry = fan.nodes.find((node) => node.id === "e");
    const left = (entry?.x ?? 0) * view.zoom + view.x;
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left + (entry?.width ?? 0) * view.zoom).toBeLessThanOrEqual(220);
  });

  it("has nothing to look at in an empty graph", () => {
    expect(firstView(layoutGraph(emptyGraph, "down"), { width: 10, height: 10 })).toEqual({ x: 0, y: 0, zoom: 1 });
  });
});
