/** What the server wrote into the page for scripts: attributes of the root element and JSON blocks. */

export interface PageContext {
  readonly tenant: string;
  readonly base: string;
  readonly api: string;
  readonly environment: string;
}

/** The context of a page inside a tenant; undefined on pages that stand outside of one. */
export function pageContext(root: HTMLElement = document.documentElement): PageContext | undefined {
  const tenant = root.dataset["tenant"];
  if (tenant === undefined || tenant === "") return undefined;
  return {
    tenant,
    base: `/t/${tenant}`,
    api: `/t/${tenant}/api/v1`,
    environment: root.dataset["environment"] ?? "",
  };
}

/** The content of `<script type="application/json" id="...">`. */
export function readJson<T>(id: string): T {
  const block = document.getElementById(id);
  if (block === null) throw new Error(`the page has no data block ${id}`);
  return JSON.parse(block.textContent) as T;
}
