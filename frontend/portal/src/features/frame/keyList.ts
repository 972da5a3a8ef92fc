/** The list of keys, in a dialog of its own. */

import { keyList } from "./keys";

function row(keys: string, does: string): HTMLElement {
  const made = document.createElement("div");
  made.className = "key-list__row";
  const names = document.createElement("dt");
  for (const name of keys.split(" ")) {
    if (name === "/" && keys !== "/") names.append(" / ");
    else {
      const key = document.createElement("kbd");
      key.textContent = name;
      names.append(key);
    }
  }
  const meaning = document.createElement("dd");
  meaning.textContent = does;
  made.append(names, meaning);
  return made;
}

export function showKeyList(): void {
  const open = document.querySelector<HTMLDialogElement>("dialog.key-list");
  if (open !== null) {
    open.close();
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.className = "dialog key-list";
  dialog.setAttribute("aria-label", "Keys");
  const title = document.createElement("h2");
  title.textContent = "Keys";
  const list = document.createElement("dl");
  list.append(...keyList.map((key) => row(key.keys, key.does)));
  dialog.append(title, list);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
