import type { LogLine, Run, Step } from "@weft/live";
import { useEffect, useState } from "react";
import { formatDuration, plural } from "./format";
import { Icon } from "./Icon";
import { JsonTree } from "./JsonTree";
import { StatePill } from "./StatePill";
import { lookOf } from "./states";
import { type Bar, waterfall } from "./waterfall";

function Track({ bar, tone }: { readonly bar: Bar | null; readonly tone: string }) {
  return (
    <svg className="timeline__track" aria-hidden="true">
      {bar !== null && (
        <rect className={`bar bar--${tone}`} x={`${bar.left}%`} width={`${bar.width}%`} y="0" height="100%" rx="2" />
      )}
    </svg>
  );
}

function Logs({ lines }: { readonly lines: readonly LogLine[] }) {
  return (
    <ol className="logs" aria-label="Log">
      {lines.map((line, index) => (
        <li key={index} className={`logs__line logs__line--${line.level ?? "info"}`}>
          <span className="logs__level">{line.level ?? "info"}</span> {line.message}
        </li>
      ))}
    </ol>
  );
}

function StepError({ step }: { readonly step: Step }) {
  if (!step.error) return null;
  return (
    <div className="banner banner--error">
      <Icon name="error" />
      <div>
        <strong>{step.error.code ?? "failed"}</strong>
        <p>{step.error.message ?? step.error.title}</p>
        {step.error.data !== undefined && step.error.data !== null && (
          <JsonTree value={step.error.data} label="What the error says" />
        )}
      </div>
    </div>
  );
}

function Flow({ step }: { readonly step: Step }) {
  const sides = [
    ["Input", step.input],
    ["Output", step.output],
  ] as const;
  const known = sides.filter(([, value]) => value !== undefined && value !== null);
  if (known.length === 0) return null;
  return (
    <div className="timeline__flow">
      {known.map(([title, value]) => (
        <section key={title}>
          <h4>{title}</h4>
          <JsonTree value={value} label={`${title} of ${step.name}`} isFolded />
        </section>
      ))}
    </div>
  );
}

function StepDetail({ step, onShowSource }: { readonly step: Step; readonly onShowSource?: (step: Step) => void }) {
  return (
    <div className="timeline__detail">
      <StepError step={step} />
      <Flow step={step} />
      {step.logs !== undefined && step.logs.length > 0 && (
        <section>
          <h4>{plural(step.logs.length, "log line")}</h4>
          <Logs lines={step.logs} />
        </section>
      )}
      {step.path && (
        <p className="timeline__place">
          <span className="muted">Written at</span> <code>{step.path}</code>
          {onShowSource !== undefined && (
            <button type="button" className="button button--quiet button--small" onClick={() => onShowSource(step)}>
              Show
            </button>
          )}
        </p>
      )}
    </div>
  );
}

function useNow(isRunning: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [isRunning]);
  return now;
}

function duration(step: Step): string {
  if (step.duration_us !== null && step.duration_us !== undefined) return formatDuration(step.duration_us);
  return step.state === "ready" ? "not started" : "…";
}

function Row(props: {
  readonly step: Step;
  readonly bar: Bar | null;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  readonly onShowSource?: (step: Step) => void;
}) {
  const { step, bar, isOpen, onToggle, onShowSource } = props;
  return (
    <li className="timeline__item" data-step={step.name} data-state={step.state}>
      <button type="button" className="timeline__row" aria-expanded={isOpen} onClick={onToggle}>
        <Icon name={isOpen ? "chevron-down" : "chevron-right"} />
        <span className="timeline__name">
          <span className="timeline__title">{step.name}</span>
          <span className="timeline__kind">
            {step.module || step.kind}
            {step.attempt > 1 && ` · attempt ${step.attempt}`}
          </span>
        </span>
        <StatePill state={step.state} />
        <Track bar={bar} tone={lookOf(step.state).tone} />
        <span className="timeline__duration">{duration(step)}</span>
      </button>
      {isOpen && <StepDetail step={step} {...(onShowSource === undefined ? {} : { onShowSource })} />}
    </li>
  );
}

function firstToShow(run: Run): ReadonlySet<number> {
  const failed = run.steps.find((step) => step.state === "failed" || step.state === "unknown");
  return new Set(failed === undefined ? [] : [failed.index]);
}

/** The steps of a run as a waterfall; each unfolds to its input, output, error and log. */
export function Timeline({ run, onShowSource }: { readonly run: Run; readonly onShowSource?: (step: Step) => void }) {
  const now = useNow(run.finished_at === null);
  const [open, setOpen] = useState<ReadonlySet<number>>(() => firstToShow(run));
  const { total, bars } = waterfall(run, now);
  const toggle = (index: number): void =>
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(index)) after.add(index);
      return after;
    });
  if (run.steps.length === 0) return <p className="muted timeline__empty">No step has started yet.</p>;
  return (
    <div className="timeline">
      <div className="timeline__scale" aria-hidden="true">
        <span>0</span>
        <span>{formatDuration(total / 2)}</span>
        <span>{formatDuration(total)}</span>
      </div>
      <ol className="timeline__items" aria-label="Steps">
        {run.steps.map((step, position) => (
          <Row
            key={step.index}
            step={step}
            bar={bars[position] ?? null}
            isOpen={open.has(step.index)}
            onToggle={() => toggle(step.index)}
            {...(onShowSource === undefined ? {} : { onShowSource })}
          />
        ))}
      </ol>
    </div>
  );
}
