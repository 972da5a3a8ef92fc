/** The React pieces of the portal, each mounted where a page leaves a place for it. */

import type { DocumentGraph } from "@weft/graph";
import type { Run } from "@weft/live";
import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { pageConnection } from "./features/frame/live";
import { RunPage } from "./features/runs/RunPage";
import { WorkflowPage } from "./features/workflow/WorkflowPage";
import type { WorkflowPageData } from "./features/workflow/workflow.types";
import { type PageContext, readJson } from "./page";

interface RunPageData {
  readonly run: Run;
  readonly graph: DocumentGraph | null;
  readonly workflow_url: string;
}

const islands: Record<string, (page: PageContext) => ReactNode> = {
  workflow: (page) => <WorkflowPage data={readJson<WorkflowPageData>("workflow-data")} connection={pageConnection(page)} />,
  run: (page) => {
    const data = readJson<RunPageData>("run-data");
    return <RunPage first={data.run} graph={data.graph} workflowUrl={data.workflow_url} connection={pageConnection(page)} />;
  },
};

/** Put the island's piece in the place of what the server drew there. */
export function mount(place: HTMLElement, page: PageContext): void {
  const piece = islands[place.dataset["island"] ?? ""];
  if (piece === undefined) return;
  createRoot(place).render(<StrictMode>{piece(page)}</StrictMode>);
}
