import { formatDuration, Icon, JsonTree, StatePill, Time } from "@weft/kit";
import type { Fault, Run } from "@weft/live";
import { useEffect, useState } from "react";

function useRunningTime(run: Run): number {
  const [now, setNow] = useState(() => Date.now());
  const isOpen = run.finished_at === null;
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isOpen]);
  return isOpen ? Math.max(0, (now - Date.parse(run.started_at)) * 1000) : (run.duration_us ?? 0);
}

/** State, when, how long: the first line of a run. */
export function RunHeadline({ run }: { readonly run: Run }) {
  const length = useRunningTime(run);
  return (
    <p className="run-headline" aria-live="polite">
      <StatePill state={run.state} />
      <span>
        started <Time iso={run.started_at} />
      </span>
      <span className="number">{formatDuration(length)}</span>
      {run.attempt > 1 && <span>attempt {run.attempt}</span>}
    </p>
  );
}

/** Why a run waits or failed, in words, above everything else. */
export function RunNotice({ run }: { readonly run: Run }) {
  if (run.state === "waiting" && run.wait !== null) {
    return (
      <div className="banner banner--waiting">
        <Icon name="state-waiting" />
        <div>
          <strong>Waiting: {run.wait.reason}</strong>
          <p>
            {run.wait.for && <>for {run.wait.for} </>}
            {run.wait.until && (
              <>
                until <Time iso={run.wait.until} />
              </>
            )}
          </p>
        </div>
      </div>
    );
  }
  return run.error ? <Failure run={run} error={run.error} /> : null;
}

/** The step that failed tells the whole; above it one line is enough. */
function Failure({ run, error }: { readonly run: Run; readonly error: Fault }) {
  const step = run.steps.find((one) => one.state === "failed" && one.error?.message === error.message);
  return (
    <div className="banner banner--error">
      <Icon name="error" />
      <div>
        <strong>
          {step === undefined ? (error.code ?? "failed") : `Failed at ${step.name}`}
        </strong>
        <p>{error.message ?? error.title}</p>
        {step === undefined && error.data !== undefined && error.data !== null && (
          <JsonTree value={error.data} label="What the error says" />
        )}
      </div>
    </div>
  );
}

/** What went in and what came out. */
export function RunValues({ run }: { readonly run: Run }) {
  return (
    <div className="run-values">
      <section>
        <h3>Input</h3>
        <JsonTree value={run.input ?? null} label="Input of the run" />
      </section>
      <section>
        <h3>Output</h3>
        {run.finished_at === null && (run.output === undefined || run.output === null) ? (
          <p className="muted">Not finished yet.</p>
        ) : (
          <JsonTree value={run.output ?? null} label="Output of the run" />
        )}
      </section>
    </div>
  );
}
