/** Where the page keeps its symbols. */
export function spriteUrl(): string {
  return document.documentElement.dataset["icons"] ?? "/static/icons.svg";
}
