import type { Finding } from "@weft/graph";
import { Icon } from "@weft/kit";
import { useState } from "react";
import { ProblemError, sentenceOf } from "../../http";
import { Dialog } from "./Dialog";
import type { Deployment, Environment, Version } from "./workflow.types";

export interface DeployRequest {
  readonly environment: string;
  readonly version: number;
  readonly confirm_orphans: boolean;
  readonly allow_placeholders?: boolean;
}

export interface DeployDialogProps {
  readonly slug: string;
  readonly versions: readonly Version[];
  readonly environments: readonly Environment[];
  readonly live: readonly Deployment[];
  readonly suggested: DeployRequest;
  readonly onDeploy: (request: DeployRequest) => Promise<void>;
  readonly onClose: () => void;
}

function findingsOf(error: unknown): readonly Finding[] {
  if (!(error instanceof ProblemError)) return [];
  const found = error.problem["findings"];
  return Array.isArray(found) ? (found as Finding[]).filter((one) => one.severity !== "warning") : [];
}

function Refusal({ failure, findings }: { readonly failure: string; readonly findings: readonly Finding[] }) {
  return (
    <div className="banner banner--error" role="alert">
      <Icon name="error" />
      <div>
        <strong>{failure}</strong>
        <ul>
          {findings.map((finding, index) => (
            <li key={index}>
              {finding.message} {finding.line > 0 && <span className="muted">line {finding.line}</span>}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

function Choice<T extends string | number>(props: {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly words: string }[];
  readonly onChoose: (value: string) => void;
}) {
  return (
    <label className="field">
      <span className="field__label">{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChoose(event.target.value)}>
        {props.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.words}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Makes a version live; in production only after the name of the workflow has been typed. */
export function DeployDialog(props: DeployDialogProps) {
  const { slug, versions, environments, live, suggested, onDeploy, onClose } = props;
  const [request, setRequest] = useState(suggested);
  const [typed, setTyped] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<{ failure: string; findings: readonly Finding[] } | null>(null);
  const target = environments.find((one) => one.name === request.environment);
  const current = live.find((one) => one.environment === request.environment);
  const isConfirmed = target?.is_production !== true || typed.trim() === slug;
  const hasPlaceholders = refusal?.findings.some((one) => one.code === "module.type.placeholder") ?? false;
  const hasOrphans = refusal?.findings.some((one) => one.code === "instances.orphaned") ?? false;

  const submit = async (): Promise<void> => {
    setBusy(true);
    try {
      await onDeploy(request);
      onClose();
    } catch (error) {
      setRefusal({ failure: sentenceOf(error), findings: findingsOf(error) });
      setBusy(false);
    }
  };

  return (
    <Dialog title={`Deploy ${slug}`} onClose={onClose}>
      <form
        data-production={target?.is_production || undefined}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="field-row">
          <Choice
            label="Version"
            value={request.version}
            options={versions.map((one) => ({ value: one.number, words: `v${one.number}${one.note ? ` · ${one.note}` : ""}` }))}
            onChoose={(value) => setRequest({ ...request, version: Number(value) })}
          />
          <Choice
            label="Environment"
            value={request.environment}
            options={environments.map((one) => ({ value: one.name, words: one.name }))}
            onChoose={(value) => setRequest({ ...request, environment: value })}
          />
        </div>
        <p className="muted">
          {current === undefined
            ? `Nothing is live in ${request.environment} yet.`
            : current.version === request.version
              ? `Version ${current.version} is live in ${request.environment} already.`
              : `Replaces version ${current.version} in ${request.environment}. Runs under way finish on the version they started with.`}
        </p>
        {target?.is_production && (
          <label className="field">
            <span className="field__label">
              This is production. Type <code>{slug}</code> to confirm
            </span>
            <input value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" spellCheck={false} />
          </label>
        )}
        {refusal !== null && <Refusal {...refusal} />}
        {hasOrphans && (
          <label className="switch">
            <input
              type="checkbox"
              checked={request.confirm_orphans}
              onChange={(event) => setRequest({ ...request, confirm_orphans: event.target.checked })}
            />
            Deploy anyway and leave these instances in a state that the new version lacks
          </label>
        )}
        {hasPlaceholders && (
          <label className="switch">
            <input
              type="checkbox"
              checked={request.allow_placeholders ?? false}
              onChange={(event) => setRequest({ ...request, allow_placeholders: event.target.checked })}
            />
            Allow placeholders: these modules do nothing
          </label>
        )}
        <div className="dialog__actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            className={`button ${target?.is_production ? "button--production" : "button--primary"}`}
            disabled={isBusy || !isConfirmed}
          >
            {isBusy ? "Deploying…" : `Deploy v${request.version} to ${request.environment}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
