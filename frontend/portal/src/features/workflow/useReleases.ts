import { toast } from "@weft/kit";
import { useCallback, useState } from "react";
import type { DeployRequest } from "./DeployDialog";
import { deploy, loadAddresses, publish } from "./workflow.api";
import type { CallAddress, Deployment, Version, WorkflowPageData } from "./workflow.types";

export interface Releases {
  readonly versions: readonly Version[];
  readonly live: readonly Deployment[];
  readonly addresses: readonly CallAddress[];
  readonly publish: (note: string, revision: number) => Promise<void>;
  readonly deploy: (request: DeployRequest) => Promise<void>;
}

/** Versions and deployments of the page, kept true as they are made. */
export function useReleases(data: WorkflowPageData): Releases {
  const [versions, setVersions] = useState(data.versions);
  const [live, setLive] = useState(data.deployments);
  const [addresses, setAddresses] = useState(data.addresses);
  return {
    versions,
    live,
    addresses,
    publish: useCallback(
      async (note, revision) => {
        const made = await publish(data.urls, note, revision);
        setVersions((before) => [made, ...before.filter((one) => one.number !== made.number)]);
        toast(`Version ${made.number} is published`, { tone: "done" });
      },
      [data.urls],
    ),
    deploy: useCallback(
      async (request) => {
        const made = await deploy(data.urls, request);
        setLive((before) => [made, ...before.filter((one) => one.environment !== made.environment)]);
        toast(`Version ${made.version} is live in ${made.environment}`, { tone: "done" });
        setAddresses(await loadAddresses(data.urls).catch(() => data.addresses));
      },
      [data.urls, data.addresses],
    ),
  };
}
