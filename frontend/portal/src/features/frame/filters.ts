/** A list narrows as soon as a filter is chosen; text fields on Enter, empty ones are left out of the address. */

/** The address of a filter form without its empty fields. */
export function filterUrl(form: HTMLFormElement): string {
  const given = [...new FormData(form)].filter(([, value]) => typeof value === "string" && value.trim() !== "");
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  const path = new URL(form.action).pathname;
  return query === "" ? path : `${path}?${query}`;
}

export function startFilters(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-filters]")) {
    form.addEventListener("change", (event) => {
      if (event.target instanceof HTMLSelectElement) location.assign(filterUrl(form));
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      location.assign(filterUrl(form));
    });
  }
}
