/** What the workflow page is given by the server, and what its calls answer. */

import type { DocumentGraph, Finding } from "@weft/graph";

export interface Draft {
  readonly text: string;
  readonly revision: number;
  readonly saved_at: string;
  readonly saved_by: string;
}

export interface Checked {
  readonly findings: readonly Finding[];
  /** Null when the text does not parse. */
  readonly graph: DocumentGraph | null;
}

export interface Version {
  readonly number: number;
  readonly sha256: string;
  readonly note: string;
  readonly findings: readonly Finding[];
  readonly published_at: string;
  readonly published_by: string;
}

export interface Deployment {
  readonly id: string;
  readonly environment: string;
  readonly version: number;
  readonly deployed_at: string;
  readonly deployed_by: string;
  readonly ended_at: string | null;
}

export interface Environment {
  readonly name: string;
  readonly is_production: boolean;
}

export interface CallAddress {
  readonly environment: string;
  readonly base: string;
  readonly method: string;
  readonly path: string;
  readonly curl: string;
}

export interface RunLine {
  readonly id: string;
  readonly state: string;
  readonly environment: string;
  readonly version: number;
  readonly source: string;
  readonly entry: string;
  readonly started_at: string;
  readonly duration_us: number | null;
}

export interface WorkflowPageData {
  readonly workflow: { readonly id: string; readonly slug: string; readonly name: string };
  readonly draft: Draft;
  readonly checked: Checked;
  readonly versions: readonly Version[];
  readonly deployments: readonly Deployment[];
  readonly environments: readonly Environment[];
  readonly addresses: readonly CallAddress[];
  readonly can: { readonly edit: boolean; readonly publish: boolean; readonly deploy: boolean };
  readonly urls: {
    readonly check: string;
    readonly draft: string;
    readonly versions: string;
    readonly deployments: string;
    readonly runs: string;
    /** Holds `{id}` where the id of the run goes. */
    readonly run: string;
    readonly runPage: string;
    readonly addresses: string;
  };
}
