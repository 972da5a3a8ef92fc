import { type GraphNode, nodeAt } from "@weft/graph";
import { Icon } from "@weft/kit";
import type { Connection } from "@weft/live";
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { useRun } from "../runs/useRun";
import { CallPane } from "./CallPane";
import { DeployDialog } from "./DeployDialog";
import { isChecking } from "./draft";
import { Environments } from "./Environments";
import { FindingsList } from "./FindingsList";
import { PublishDialog } from "./PublishDialog";
import { RunsPane, useRuns } from "./RunsPane";
import { SaveBar } from "./SaveBar";
import { type Tab, Tabs } from "./Tabs";
import { useDraft } from "./useDraft";
import { useReleases } from "./useReleases";
import { VersionsPane } from "./VersionsPane";
import { WorkflowGraph } from "./WorkflowGraph";
import type { WorkflowPageData } from "./workflow.types";
import type { YamlPaneHandle } from "./YamlPane";

const YamlPane = lazy(() => import("./YamlPane"));

type Pane = "graph" | "yaml" | "runs" | "versions" | "call";
type Asked = { readonly kind: "publish" } | { readonly kind: "deploy"; readonly version: number } | null;

function paneOfAddress(): Pane {
  const name = location.hash.slice(1);
  return name === "runs" || name === "versions" || name === "call" || name === "graph" ? name : "yaml";
}

function lineOfAddress(): number {
  return Number(/^#line-(\d+)$/.exec(location.hash)?.[1] ?? 0);
}

function usePane(): [Pane, (pane: Pane) => void] {
  const [pane, setPane] = useState(paneOfAddress);
  const choose = useCallback((next: Pane) => {
    setPane(next);
    history.replaceState(null, "", `#${next}`);
  }, []);
  return [pane, choose];
}

/** The document drawn beside its text, with its versions, runs and addresses: everything about one workflow. */
export function WorkflowPage({ data, connection }: { readonly data: WorkflowPageData; readonly connection: Connection }) {
  const draft = useDraft(data);
  const releases = useReleases(data);
  const runs = useRuns(data, connection);
  const run = useRun(connection, runs.selected);
  const [pane, choose] = usePane();
  const [asked, setAsked] = useState<Asked>(null);
  const yaml = useRef<YamlPaneHandle>(null);
  const wantedLine = useRef(lineOfAddress());
  const { state } = draft;

  const reveal = useCallback(
    (line: number) => {
      choose("yaml");
      wantedLine.current = line;
      requestAnimationFrame(() => yaml.current?.reveal(line));
    },
    [choose],
  );
  useEffect(() => {
    const timer = setTimeout(() => yaml.current?.reveal(wantedLine.current), 600);
    return () => clearTimeout(timer);
  }, []);

  const publishNow = async (note: string): Promise<void> => {
    if (!(await draft.save())) throw new Error("The draft could not be saved, so nothing was published.");
    await releases.publish(note, draft.revision());
  };
  const tabs: readonly Tab[] = [
    { id: "graph", words: "Graph" },
    { id: "yaml", words: "YAML", count: state.findings.length },
    { id: "runs", words: "Runs" },
    { id: "versions", words: "Versions", count: releases.versions.length },
    { id: "call", words: "Call" },
  ];
  const newest = releases.versions[0]?.number ?? 0;

  return (
    <div className="workflow">
      <div className="workflow__bar">
        <Environments environments={data.environments} live={releases.live} />
        <div className="workflow__actions">
          {data.can.deploy && newest > 0 && (
            <button type="button" className="button" onClick={() => setAsked({ kind: "deploy", version: newest })}>
              <Icon name="deploy" /> Deploy
            </button>
          )}
          {data.can.publish && (
            <button type="button" className="button button--primary" onClick={() => setAsked({ kind: "publish" })}>
              <Icon name="publish" /> Publish
            </button>
          )}
        </div>
      </div>
      <Tabs tabs={tabs} chosen={pane} onChoose={(id) => choose(id as Pane)} label="Parts of the workflow" />
      <div className="workflow__split" data-pane={pane}>
        <section className="workflow__graph" aria-label="Graph" id="pane-graph">
          <WorkflowGraph
            graph={state.graph}
            findings={state.findings}
            run={pane === "runs" ? run : null}
            isStale={state.isGraphStale}
            onOpen={(node: GraphNode) => reveal(node.line)}
          />
        </section>
        <section className="workflow__side">
          <div id="pane-yaml" role="tabpanel" aria-labelledby="tab-yaml" className="pane pane--yaml" hidden={pane !== "yaml" && pane !== "graph"}>
            <SaveBar
              state={state}
              canEdit={data.can.edit}
              onSave={() => void draft.save()}
              onKeepMine={() => {
                draft.keepMine();
                requestAnimationFrame(() => void draft.save());
              }}
              onLoadTheirs={() => void draft.loadTheirs()}
            />
            <Suspense fallback={<div className="yaml skeleton" aria-label="Loading the editor" />}>
              <YamlPane
                ref={yaml}
                text={state.text}
                findings={state.findings}
                isReadOnly={!data.can.edit}
                onType={draft.type}
                onSave={() => void draft.save()}
              />
            </Suspense>
            <FindingsList findings={state.findings} isChecking={isChecking(state)} onOpen={reveal} />
          </div>
          {pane === "runs" && (
            <div id="pane-runs" role="tabpanel" aria-labelledby="tab-runs" className="pane">
              <RunsPane
                desk={runs}
                run={run}
                runPage={data.urls.runPage}
                onLine={(path) => reveal(nodeAt(state.graph, path)?.line ?? 1)}
              />
            </div>
          )}
          {pane === "versions" && (
            <div id="pane-versions" role="tabpanel" aria-labelledby="tab-versions" className="pane">
              <VersionsPane
                versions={releases.versions}
                live={releases.live}
                canDeploy={data.can.deploy}
                onDeploy={(version) => setAsked({ kind: "deploy", version })}
              />
            </div>
          )}
          {pane === "call" && (
            <div id="pane-call" role="tabpanel" aria-labelledby="tab-call" className="pane">
              <CallPane addresses={releases.addresses} />
            </div>
          )}
        </section>
      </div>
      {asked?.kind === "publish" && (
        <PublishDialog next={newest + 1} findings={state.findings} onPublish={publishNow} onClose={() => setAsked(null)} />
      )}
      {asked?.kind === "deploy" && (
        <DeployDialog
          slug={data.workflow.slug}
          versions={releases.versions}
          environments={data.environments}
          live={releases.live}
          suggested={{
            environment: data.environments[0]?.name ?? "",
            version: asked.version,
            confirm_orphans: false,
          }}
          onDeploy={releases.deploy}
          onClose={() => setAsked(null)}
        />
      )}
    </div>
  );
}
