import { entryWords, formatDuration, plural, shortId, StatePill, Time, Timeline } from "@weft/kit";
import { type Connection, type Run, RunsFeed } from "@weft/live";
import { useCallback, useEffect, useRef, useState } from "react";
import { sentenceOf } from "../../http";
import { RunHeadline, RunNotice, RunValues } from "../runs/RunFacts";
import { loadRun, loadRuns } from "./workflow.api";
import type { RunLine, WorkflowPageData } from "./workflow.types";

const pause = 500;

export interface RunsDesk {
  /** Null until they have been read for the first time. */
  readonly runs: readonly RunLine[] | null;
  readonly unseen: number;
  readonly selected: Run | null;
  readonly isFollowing: boolean;
  readonly failure: string | null;
  readonly select: (id: string | null) => void;
  readonly follow: (isOn: boolean) => void;
  readonly showNew: () => void;
}

/** The newest runs of the workflow, and the one being looked at; following means that the newest is looked at. */
export function useRuns(data: WorkflowPageData, connection: Connection): RunsDesk {
  const [runs, setRuns] = useState<readonly RunLine[] | null>(null);
  const [fresh, setFresh] = useState<readonly RunLine[] | null>(null);
  const [selected, setSelected] = useState<Run | null>(null);
  const [isFollowing, setFollowing] = useState(true);
  const [failure, setFailure] = useState<string | null>(null);
  const following = useRef(isFollowing);
  following.current = isFollowing;
  const newestShown = useRef<string | null>(null);

  const select = useCallback(
    (id: string | null) => {
      if (id === null) {
        setSelected(null);
        return;
      }
      loadRun(data.urls, id).then(
        (run) => {
          setFailure(null);
          setSelected(run);
        },
        (error: unknown) => setFailure(sentenceOf(error)),
      );
    },
    [data.urls],
  );

  const refresh = useCallback(async () => {
    const answer = await loadRuns(data.urls);
    if (!following.current) {
      setFresh(answer);
      return;
    }
    setRuns(answer);
    const newest = answer[0];
    if (newest === undefined || newest.id === newestShown.current) return;
    newestShown.current = newest.id;
    select(newest.id);
  }, [data.urls, select]);

  useEffect(() => {
    let timer = 0;
    const feed = new RunsFeed(connection);
    const stop = feed.onMore(() => {
      if (timer !== 0) return;
      timer = window.setTimeout(() => {
        timer = 0;
        refresh().catch((error: unknown) => setFailure(sentenceOf(error)));
      }, pause);
    });
    const leave = feed.follow();
    refresh().catch((error: unknown) => setFailure(sentenceOf(error)));
    return () => {
      clearTimeout(timer);
      stop();
      leave();
    };
  }, [connection, refresh]);

  const known = new Set(runs?.map((run) => run.id));
  return {
    runs,
    unseen: fresh === null ? 0 : fresh.filter((run) => !known.has(run.id)).length,
    selected,
    isFollowing,
    failure,
    select: (id) => {
      setFollowing(false);
      select(id);
    },
    follow: setFollowing,
    showNew: () => {
      if (fresh !== null) setRuns(fresh);
      setFresh(null);
    },
  };
}

function Line(props: { readonly run: RunLine; readonly live: Run | null; readonly onSelect: (id: string) => void }) {
  const { run, live, onSelect } = props;
  const isSelected = live?.id === run.id;
  const state = isSelected ? live.state : run.state;
  const length = isSelected ? live.duration_us : run.duration_us;
  const entry = entryWords(run.entry) || run.source;
  return (
    <li>
      <button
        type="button"
        className="run-line"
        aria-pressed={isSelected}
        data-run={run.id}
        onClick={() => onSelect(run.id)}
      >
        <StatePill state={state} />
        <span className="run-line__what">
          <span className="mono">{shortId(run.id)}</span>
          <span className="run-line__entry muted" title={entry}>
            {entry}
          </span>
        </span>
        <span className="muted">
          {run.environment} v{run.version}
        </span>
        <span className="number">{length === null ? "…" : formatDuration(length)}</span>
        <Time iso={run.started_at} />
      </button>
    </li>
  );
}

export interface RunsPaneProps {
  readonly desk: RunsDesk;
  readonly run: Run | null;
  readonly runPage: string;
  readonly onLine: (path: string) => void;
}

/** Runs of this workflow as they come, and the steps of the one in hand. */
export function RunsPane({ desk, run, runPage, onLine }: RunsPaneProps) {
  return (
    <div className="runs-pane">
      <div className="pane-bar">
        <label className="switch">
          <input type="checkbox" checked={desk.isFollowing} onChange={(event) => desk.follow(event.target.checked)} />
          Follow the newest run
        </label>
        {desk.unseen > 0 && (
          <button type="button" className="more-bar more-bar--small" onClick={desk.showNew}>
            {plural(desk.unseen, "new run")}
          </button>
        )}
      </div>
      {desk.failure !== null && <p className="field-error">{desk.failure}</p>}
      {desk.runs === null ? (
        <div className="skeleton runs-pane__loading" aria-label="Loading the runs" />
      ) : desk.runs.length === 0 ? (
        <div className="empty">
          <h3>No run yet</h3>
          <p>Deploy a version and call one of its addresses; the run appears here by itself.</p>
        </div>
      ) : (
        <ol className="run-lines" aria-label="Newest runs">
          {desk.runs.map((line) => (
            <Line key={line.id} run={line} live={run} onSelect={desk.select} />
          ))}
        </ol>
      )}
      {run !== null && (
        <section className="run-in-hand" aria-label={`Run ${run.id}`} data-run-state={run.state} data-sequence={run.sequence}>
          <header className="pane-bar">
            <RunHeadline run={run} />
            <a className="button button--small" href={runPage.replace("{id}", run.id)}>
              Open run
            </a>
          </header>
          <RunNotice run={run} />
          <Timeline run={run} onShowSource={(step) => step.path && onLine(step.path)} />
          <RunValues run={run} />
        </section>
      )}
    </div>
  );
}
