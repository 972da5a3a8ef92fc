/** The calls of the workflow page. */

import type { Run } from "@weft/live";
import { call } from "../../http";
import type { CallAddress, Checked, Deployment, Draft, RunLine, Version, WorkflowPageData } from "./workflow.types";

type Urls = WorkflowPageData["urls"];

export async function checkText(urls: Urls, text: string, signal: AbortSignal): Promise<Checked> {
  return (await call<Checked>("POST", urls.check, { body: { text }, signal })).body;
}

export async function loadDraft(urls: Urls): Promise<Draft> {
  return (await call<Draft>("GET", urls.draft)).body;
}

export async function saveDraft(urls: Urls, text: string, revision: number): Promise<Draft> {
  return (await call<Draft>("PUT", urls.draft, { body: { text }, headers: { "If-Match": `"${revision}"` } })).body;
}

export async function publish(urls: Urls, note: string, revision: number): Promise<Version> {
  return (await call<Version>("POST", urls.versions, { body: { note, draft_revision: revision } })).body;
}

export async function deploy(
  urls: Urls,
  given: { readonly environment: string; readonly version: number; readonly confirm_orphans: boolean },
): Promise<Deployment> {
  return (await call<Deployment>("POST", urls.deployments, { body: given })).body;
}

export async function loadAddresses(urls: Urls): Promise<readonly CallAddress[]> {
  return (await call<{ addresses: CallAddress[] }>("GET", urls.addresses)).body.addresses;
}

export async function loadRuns(urls: Urls): Promise<readonly RunLine[]> {
  return (await call<{ items: RunLine[] }>("GET", urls.runs)).body.items;
}

export async function loadRun(urls: Urls, id: string): Promise<Run> {
  return (await call<Run>("GET", urls.run.replace("{id}", id))).body;
}
