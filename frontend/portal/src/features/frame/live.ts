/** The live indicator and the "more" bar of lists; both hang on the one connection of the page. */

import { exactTime } from "@weft/kit/format";
import { type Connection, type ConnectionState, connectTo, RunsFeed, socketUrl } from "@weft/live";
import type { PageContext } from "../../page";

const words: Record<ConnectionState, string> = {
  connecting: "Connecting",
  "catching-up": "Catching up",
  connected: "Live",
  offline: "Offline",
};

/** Show the state in the top bar; while offline it says since when. */
export function showLiveState(indicator: HTMLElement, state: ConnectionState, since: number): void {
  indicator.dataset["state"] = state;
  const label = indicator.querySelector<HTMLElement>("[data-live-word]");
  const time = new Date(since).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  if (label !== null) label.textContent = state === "offline" ? `Offline since ${time}` : words[state];
  indicator.title = `${words[state]} since ${exactTime(new Date(since).toISOString())}`;
}

let shared: Connection | null = null;

/** The connection of this page, opened on first use. */
export function pageConnection(page: PageContext): Connection {
  if (shared !== null) return shared;
  const connection = connectTo(socketUrl(location, page.tenant));
  const indicator = document.getElementById("live");
  if (indicator !== null) connection.onState((state, since) => showLiveState(indicator, state, since));
  shared = connection;
  return connection;
}

interface Parts {
  readonly bar: HTMLElement;
  readonly list: HTMLElement;
}

/** Fetch the page again and put its rows and counts in place of the present ones. */
export async function refreshParts(parts: readonly HTMLElement[]): Promise<void> {
  const response = await fetch(location.href, { headers: { "X-Weft-Refresh": "1" }, credentials: "same-origin" });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of parts) {
    const next = part.id === "" ? null : fresh.getElementById(part.id);
    if (next !== null) part.replaceChildren(...next.childNodes);
  }
}

/** How many rows of `fresh` are not among those shown; rows carry `data-row`. */
export function countNew(shown: ParentNode, fresh: ParentNode): number {
  const known = new Set([...shown.querySelectorAll<HTMLElement>("[data-row]")].map((row) => row.dataset["row"]));
  return [...fresh.querySelectorAll<HTMLElement>("[data-row]")].filter((row) => !known.has(row.dataset["row"])).length;
}

/** Put what a row says now in place of what it said; a row that holds the focus keeps it. */
export function renewRow(shown: HTMLElement, fresh: HTMLElement): void {
  if (shown.innerHTML === fresh.innerHTML) return;
  const hadFocus = shown.contains(document.activeElement);
  shown.innerHTML = fresh.innerHTML;
  if (hadFocus) shown.querySelector<HTMLElement>("a[data-row-link]")?.focus({ preventScroll: true });
}

async function freshRows(list: HTMLElement): Promise<HTMLElement | null> {
  const response = await fetch(location.href, { credentials: "same-origin" });
  if (!response.ok) return null;
  return new DOMParser().parseFromString(await response.text(), "text/html").getElementById(list.id);
}

function announce({ bar, list }: Parts, fresh: HTMLElement): void {
  const count = countNew(list, fresh);
  for (const row of fresh.querySelectorAll<HTMLElement>("[data-row]")) {
    const shown = list.querySelector<HTMLElement>(`[data-row="${CSS.escape(row.dataset["row"] ?? "")}"]`);
    if (shown !== null) renewRow(shown, row);
  }
  bar.hidden = count === 0;
  const words = bar.querySelector("[data-more-count]");
  if (words !== null) words.textContent = count >= 50 ? "50+ new" : `${count} new`;
  bar.onclick = () => {
    list.replaceChildren(...fresh.childNodes);
    bar.hidden = true;
    list.querySelector<HTMLElement>("a[data-row-link]")?.focus();
  };
}

function throttle(action: () => Promise<void>, pause: number): () => void {
  let isBusy = false;
  let isAsked = false;
  const go = async (): Promise<void> => {
    isBusy = true;
    await action().catch(() => undefined);
    setTimeout(() => {
      isBusy = false;
      if (isAsked) {
        isAsked = false;
        void go();
      }
    }, pause);
  };
  return () => {
    if (isBusy) isAsked = true;
    else void go();
  };
}

/** Lists announce new rows, counters change in place; both when the server says that there is more. */
export function startLive(page: PageContext): void {
  const connection = pageConnection(page);
  const list = document.querySelector<HTMLElement>("[data-live-list]");
  const bar = document.getElementById("more-bar");
  const parts = [...document.querySelectorAll<HTMLElement>("[data-live-part]")];
  if (list === null && parts.length === 0) return;
  const feed = new RunsFeed(connection);
  const update = throttle(async () => {
    if (parts.length > 0) await refreshParts(parts);
    if (list === null || bar === null) return;
    const fresh = await freshRows(list);
    if (fresh !== null) announce({ bar, list }, fresh);
  }, 1000);
  feed.onMore(update);
  feed.follow();
}
