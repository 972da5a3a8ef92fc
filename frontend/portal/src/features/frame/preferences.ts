/** Theme, width of the rail and environment: remembered in cookies, so that the server can draw the first paint right. */

const year = 365 * 24 * 3600;

export function remember(name: string, value: string): void {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${year}; samesite=lax${secure}`;
}

export function startPreferences(root: HTMLElement = document.documentElement): void {
  document.addEventListener("click", (event) => {
    const trigger = (event.target as Element | null)?.closest<HTMLElement>("[data-set-theme], [data-toggle-rail]");
    if (!trigger) return;
    const theme = trigger.dataset["setTheme"];
    if (theme !== undefined) {
      root.dataset["theme"] = theme;
      remember("weft_theme", theme);
      for (const one of document.querySelectorAll<HTMLElement>("[data-set-theme]")) {
        one.setAttribute("aria-pressed", String(one.dataset["setTheme"] === theme));
      }
    }
    if (trigger.dataset["toggleRail"] !== undefined) {
      const next = root.dataset["rail"] === "narrow" ? "wide" : "narrow";
      root.dataset["rail"] = next;
      remember("weft_rail", next);
    }
  });
  const tenant = root.dataset["tenant"];
  const environment = root.dataset["environment"];
  if (tenant && environment && new URLSearchParams(location.search).has("environment")) {
    remember(`weft_environment_${tenant}`, environment);
  }
}
