/** Which of the things on offer fit what was typed, best first. Pure. */

export interface Offer {
  readonly group: string;
  readonly title: string;
  readonly hint: string;
  readonly href: string;
  readonly icon: string;
}

/** How well `text` fits `query`: 0 not at all; starts and word starts beat letters scattered in order. */
export function score(text: string, query: string): number {
  const hay = text.toLowerCase();
  const needle = query.toLowerCase().trim();
  if (needle === "") return 1;
  const at = hay.indexOf(needle);
  if (at === 0) return 100;
  if (at > 0) return /[\s/._-]/.test(hay.charAt(at - 1)) ? 80 : 60;
  let position = -1;
  for (const letter of needle.replace(/\s/g, "")) {
    position = hay.indexOf(letter, position + 1);
    if (position === -1) return 0;
  }
  return 20;
}

export function bestOffers(offers: readonly Offer[], query: string, limit = 12): Offer[] {
  return offers
    .map((offer, index) => ({ offer, index, score: Math.max(score(offer.title, query), score(offer.hint, query) / 2) }))
    .filter((one) => one.score > 0)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .slice(0, limit)
    .map((one) => one.offer);
}
