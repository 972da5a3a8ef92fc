/** The keys of every page. Keys typed into a field are left alone. */

export interface Key {
  readonly keys: string;
  readonly does: string;
}

export const keyList: readonly Key[] = [
  { keys: "Ctrl K", does: "Find a page, a workflow or a run" },
  { keys: "?", does: "Show this list" },
  { keys: "j / k", does: "Next or previous row" },
  { keys: "Enter", does: "Open the row" },
  { keys: "g h", does: "Go home" },
  { keys: "g w", does: "Go to workflows" },
  { keys: "g r", does: "Go to runs" },
  { keys: "g i", does: "Go to instances" },
  { keys: "g m", does: "Go to modules" },
  { keys: "g s", does: "Go to settings" },
  { keys: "/", does: "Go to the filter of a list" },
  { keys: "Ctrl S", does: "Save the draft, in the editor" },
  { keys: "Esc", does: "Close what is open" },
];

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, textarea, select, .cm-editor") !== null;
}

/** The rows that can hold focus: those with a link of their own. */
export function rowLinks(within: ParentNode = document): HTMLAnchorElement[] {
  return [...within.querySelectorAll<HTMLAnchorElement>("[data-rows] a[data-row-link]")];
}

/** Move the focus by `by` rows; from outside the table it goes to the first row. */
export function moveRow(by: number, within: ParentNode = document): void {
  const links = rowLinks(within);
  const current = links.findIndex((link) => link === document.activeElement);
  const next = current === -1 ? (by > 0 ? 0 : links.length - 1) : current + by;
  links[Math.max(0, Math.min(links.length - 1, next))]?.focus();
}

function goTo(letter: string): void {
  document.querySelector<HTMLAnchorElement>(`a[data-key="${letter}"]`)?.click();
}

function onPlainKey(event: KeyboardEvent, isAfterG: boolean, showKeys: () => void): void {
  if (isAfterG) goTo(event.key);
  else if (event.key === "j") moveRow(1);
  else if (event.key === "k") moveRow(-1);
  else if (event.key === "?") showKeys();
  else if (event.key === "/") {
    event.preventDefault();
    document.querySelector<HTMLElement>("[data-filter-first]")?.focus();
  }
}

export function startKeys(actions: { readonly find: () => void; readonly showKeys: () => void }): void {
  let gAt = 0;
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      actions.find();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.key === "g") {
      gAt = event.timeStamp;
      return;
    }
    onPlainKey(event, gAt > 0 && event.timeStamp - gAt < 1200, actions.showKeys);
    gAt = 0;
  });
}
