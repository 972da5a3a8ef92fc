/** Dialogs and menus of server-rendered pages: opened by attribute, closed by Escape, a button or a click outside. */

/** A dialog that asks for a name keeps its button shut until the name is typed. */
export function guardByName(dialog: HTMLElement): void {
  const field = dialog.querySelector<HTMLInputElement>("[data-must-equal]");
  const submit = dialog.querySelector<HTMLButtonElement>("[data-guarded]");
  if (field === null || submit === null) return;
  const judge = (): void => {
    submit.disabled = field.value.trim() !== field.dataset["mustEqual"];
  };
  field.addEventListener("input", judge);
  judge();
}

function openDialog(id: string): void {
  const dialog = document.getElementById(id);
  if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
}

function closeMenusOutside(target: Element): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
}

export function startDialogs(): void {
  document.addEventListener("click", (event) => {
    const target = event.target;
    if (!(target instanceof Element)) return;
    closeMenusOutside(target);
    const opener = target.closest<HTMLElement>("[data-opens]");
    if (opener?.dataset["opens"] !== undefined) openDialog(opener.dataset["opens"]);
    if (target.closest("[data-closes]") !== null) target.closest("dialog")?.close();
    if (target instanceof HTMLDialogElement) target.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
  for (const dialog of document.querySelectorAll<HTMLElement>("dialog")) guardByName(dialog);
}
