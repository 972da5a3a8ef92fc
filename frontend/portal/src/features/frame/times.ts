/** Times that the server wrote stay true while the page is open. */

import { exactTime, relativeTime } from "@weft/kit/format";

export function refreshTimes(now: number, within: ParentNode = document): void {
  for (const element of within.querySelectorAll<HTMLTimeElement>("time[data-relative]")) {
    const text = relativeTime(Date.parse(element.dateTime), now);
    if (element.textContent !== text) element.textContent = text;
    if (element.title === "" || element.dataset["exact"] === undefined) {
      element.title = exactTime(element.dateTime);
      element.dataset["exact"] = "";
    }
  }
}

export function startTimes(): void {
  refreshTimes(Date.now());
  setInterval(() => refreshTimes(Date.now()), 10_000);
}
