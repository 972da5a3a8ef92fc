import type { DocumentGraph } from "@weft/graph";
import { Timeline } from "@weft/kit";
import { type Connection, isFinished, type Run } from "@weft/live";
import { useEffect } from "react";
import { WorkflowGraph } from "../workflow/WorkflowGraph";
import { RunHeadline, RunNotice, RunValues } from "./RunFacts";
import { useRun } from "./useRun";

export interface RunPageProps {
  readonly first: Run;
  readonly graph: DocumentGraph | null;
  readonly connection: Connection;
  readonly workflowUrl: string;
}

/** Buttons of the server's page that make sense only before or only after the end. */
function useButtons(state: Run["state"]): void {
  useEffect(() => {
    for (const one of document.querySelectorAll<HTMLElement>("[data-shown-while]")) {
      const wanted = one.dataset["shownWhile"];
      one.hidden = wanted === "open" ? isFinished(state) : wanted === "failed" ? state !== "failed" && state !== "cancelled" : false;
    }
    const pill = document.getElementById("run-state");
    if (pill !== null) pill.dataset["state"] = state;
  }, [state]);
}

/** One run, live: what happened, step by step, beside the drawing of its version. */
export function RunPage({ first, graph, connection, workflowUrl }: RunPageProps) {
  const run = useRun(connection, first) ?? first;
  useButtons(run.state);
  const show = (line: number): void => location.assign(`${workflowUrl}#line-${line}`);
  return (
    <div className="run-split" data-run-state={run.state} data-sequence={run.sequence}>
      <div className="run-main">
        <RunHeadline run={run} />
        <RunNotice run={run} />
        <section className="panel">
          <h2 className="panel__title">Steps</h2>
          <Timeline run={run} />
        </section>
        <section className="panel panel--padded">
          <h2 className="panel__title">Values</h2>
          <RunValues run={run} />
        </section>
      </div>
      {graph !== null && (
        <aside className="run-graph" aria-label="The document, drawn">
          <WorkflowGraph graph={graph} findings={[]} run={run} isStale={false} isFocused onOpen={(node) => show(node.line)} />
        </aside>
      )}
    </div>
  );
}
