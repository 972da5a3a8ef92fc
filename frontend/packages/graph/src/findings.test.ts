import { describe, expect, it } from "vitest";
import { bySeverity, countBySeverity, isInside, nodeAt, placeFindings, worstOf } from "./findings";
import { aFinding, aNode, chain } from "./testing";

describe("findings on nodes", () => {
  it("belong to the node that is written closest around them", () => {
    const graph = { nodes: [...chain.nodes, aNode("deep", { path: "modules[1].config" })], edges: [] };
    expect(nodeAt(graph, "modules[1].config.url")?.id).toBe("deep");
    expect(nodeAt(graph, "modules[1].name")?.id).toBe("router");
  });

  it("do not fall to a node whose number merely begins alike", () => {
    expect(isInside("modules[10].config", "modules[1]")).toBe(false);
    expect(nodeAt(chain, "modules[10].config")?.id).toBe("metrics");
    expect(isInside("workflows.https", "workflows.http")).toBe(false);
  });

  it("show the worst of a node and keep those that no node owns", () => {
    const placed = placeFindings(chain, [
      aFinding("modules[2].config.a", { severity: "warning", line: 9 }),
      aFinding("modules[2].type", { severity: "blocked", line: 8 }),
      aFinding("workflows.http", { severity: "error", line: 40 }),
    ]);
    expect(placed.nodes.get("handler")?.worst).toBe("blocked");
    expect(placed.nodes.get("handler")?.findings).toHaveLength(2);
    expect(placed.elsewhere.map((finding) => finding.path)).toEqual(["workflows.http"]);
  });

  it("are sorted worst first, then by place, and counted with every severity present", () => {
    const sorted = bySeverity([
      aFinding("c", { severity: "warning", line: 1 }),
      aFinding("b", { line: 7 }),
      aFinding("a", { line: 3 }),
    ]);
    expect(sorted.map((finding) => finding.path)).toEqual(["a", "b", "c"]);
    expect(countBySeverity(sorted)).toEqual({ error: 2, blocked: 0, warning: 1, note: 0 });
    expect(worstOf([])).toBeUndefined();
  });
});
