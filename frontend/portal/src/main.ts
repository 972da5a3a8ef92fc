/** What every page loads: keys, menus, times, the live connection; larger pieces come when a page has a place for them. */

import "@fontsource-variable/inter";
import "@fontsource-variable/jetbrains-mono";
import { CommandBar } from "./features/frame/commandBar";
import { startCopying } from "./features/frame/copy";
import { startDialogs } from "./features/frame/dialogs";
import { startFilters } from "./features/frame/filters";
import { showKeyList } from "./features/frame/keyList";
import { startKeys } from "./features/frame/keys";
import { startLive } from "./features/frame/live";
import { startPreferences } from "./features/frame/preferences";
import { startTimes } from "./features/frame/times";
import { pageContext } from "./page";

document.documentElement.dataset["script"] = "on";
startPreferences();
startTimes();
startCopying();
startDialogs();
startFilters();

const page = pageContext();
const commandBar = page === undefined ? undefined : new CommandBar(page);
startKeys({ find: () => commandBar?.open(), showKeys: showKeyList });
document.addEventListener("click", (event) => {
  const target = event.target as Element | null;
  if (target?.closest("[data-find]")) commandBar?.open();
  if (target?.closest("[data-show-keys]")) showKeyList();
});
if (page !== undefined) startLive(page);

const island = document.querySelector<HTMLElement>("[data-island]");
if (island !== null && page !== undefined) {
  void import("./islands").then(({ mount }) => mount(island, page));
}
