/** Any element with `data-copy` copies that text; one with `data-copy-from` copies what another element shows. */

import { toast } from "@weft/kit/toast";

function textOf(trigger: HTMLElement): string | undefined {
  const source = trigger.dataset["copyFrom"];
  if (source === undefined) return trigger.dataset["copy"];
  return document.getElementById(source)?.textContent.trim();
}

export function startCopying(): void {
  document.addEventListener("click", (event) => {
    const trigger = (event.target as Element | null)?.closest<HTMLElement>("[data-copy], [data-copy-from]");
    const text = trigger ? textOf(trigger) : undefined;
    if (text === undefined) return;
    navigator.clipboard.writeText(text).then(
      () => toast("Copied"),
      () => toast("The browser did not allow copying", { tone: "failed" }),
    );
  });
}
