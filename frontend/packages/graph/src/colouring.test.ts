import { describe, expect, it } from "vitest";
import { colourRun, nodeOfStep, travelledEdges } from "./colouring";
import { drawableEdges } from "./layout";
import { aNode, chain } from "./testing";

describe("run colouring", () => {
  it("paints the node of a step's module, else the place the step is written", () => {
    expect(nodeOfStep(chain, { name: "send", module: "handler", state: "done" })?.id).toBe("handler");
    expect(nodeOfStep(chain, { name: "set", path: "modules[1].config", state: "done" })?.id).toBe("router");
    expect(nodeOfStep(chain, { name: "lost", state: "done" })).toBeUndefined();
  });

  it("lets the state that most needs a look win", () => {
    const colours = colourRun(chain, {
      state: "running",
      steps: [
        { name: "a", module: "handler", state: "done" },
        { name: "b", module: "handler", state: "failed" },
        { name: "c", module: "router", state: "waiting" },
      ],
    });
    expect(colours.get("handler")).toEqual({ state: "failed", steps: 2 });
    expect(colours.get("router")).toEqual({ state: "waiting", steps: 1 });
    expect(colours.has("server")).toBe(false);
  });

  it("paints the entry with the state of the run", () => {
    const graph = { nodes: [aNode("pipeline:accept", { title: "accept" })], edges: [] };
    expect(colourRun(graph, { entry: "pipeline:accept", state: "done", steps: [] }).get("pipeline:accept")).toEqual({
      state: "done",
      steps: 0,
    });
  });

  it("marks the edges between two nodes that the run touched", () => {
    const colours = colourRun(chain, {
      state: "done",
      steps: [
        { name: "a", module: "server", state: "done" },
        { name: "b", module: "router", state: "done" },
      ],
    });
    expect([...travelledEdges(drawableEdges(chain), colours)]).toEqual(["server->router:dependency"]);
  });
});
