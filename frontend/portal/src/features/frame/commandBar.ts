/** Ctrl-K: pages at once from the rail, workflows and runs from the server as one types. */

import { spriteUrl } from "@weft/kit/icons";
import { call } from "../../http";
import type { PageContext } from "../../page";
import { bestOffers, type Offer } from "./matches";

interface SearchAnswer {
  readonly results: readonly Offer[];
}

const settle = 120;

function pagesOfRail(): Offer[] {
  return [...document.querySelectorAll<HTMLAnchorElement>("a[data-page]")].map((link) => ({
    group: "Pages",
    title: link.dataset["page"] ?? "",
    hint: "Page",
    href: link.getAttribute("href") ?? "",
    icon: link.dataset["icon"] ?? "note",
  }));
}

function icon(name: string): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${spriteUrl()}#${name}`);
  svg.append(use);
  return svg;
}

export class CommandBar {
  #offers: Offer[] = [];
  #chosen = 0;
  #timer = 0;
  #abort: AbortController | null = null;
  readonly #dialog = document.createElement("dialog");
  readonly #field = document.createElement("input");
  readonly #list = document.createElement("ul");

  constructor(private readonly page: PageContext) {
    this.#dialog.className = "dialog command";
    this.#dialog.setAttribute("aria-label", "Find");
    this.#field.className = "command__field";
    this.#field.type = "search";
    this.#field.placeholder = "Find a page, a workflow, a run id…";
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-expanded", "true"],
      ["aria-controls", "command-offers"],
      ["aria-autocomplete", "list"],
      ["aria-label", "Find"],
      ["autocomplete", "off"],
    ] as const) {
      this.#field.setAttribute(name, value);
    }
    this.#list.id = "command-offers";
    this.#list.className = "command__offers";
    this.#list.setAttribute("role", "listbox");
    this.#dialog.append(this.#field, this.#list);
    this.#field.addEventListener("input", () => this.#typed());
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
  }

  open(): void {
    if (!this.#dialog.isConnected) document.body.append(this.#dialog);
    if (this.#dialog.open) return;
    this.#field.value = "";
    this.#show(pagesOfRail());
    this.#dialog.showModal();
    this.#field.focus();
  }

  #typed(): void {
    const query = this.#field.value.trim();
    this.#show(bestOffers(pagesOfRail(), query));
    clearTimeout(this.#timer);
    this.#abort?.abort();
    if (query !== "") this.#timer = window.setTimeout(() => void this.#ask(query), settle);
  }

  async #ask(query: string): Promise<void> {
    this.#abort = new AbortController();
    try {
      const { body } = await call<SearchAnswer>("GET", `${this.page.base}/search?q=${encodeURIComponent(query)}`, {
        signal: this.#abort.signal,
      });
      this.#show([...bestOffers(pagesOfRail(), query, 4), ...body.results]);
    } catch (error) {
      if (!(error instanceof DOMException)) this.#say("The search did not answer. Try again.");
    }
  }

  #show(offers: Offer[]): void {
    this.#offers = offers;
    this.#chosen = 0;
    if (offers.length === 0) {
      this.#say(this.#field.value === "" ? "Type to find something." : "Nothing fits.");
      return;
    }
    this.#list.replaceChildren(...offers.map((offer, index) => this.#line(offer, index)));
    this.#mark();
  }

  #say(text: string): void {
    const line = document.createElement("li");
    line.className = "command__empty";
    line.textContent = text;
    this.#list.replaceChildren(line);
  }

  #line(offer: Offer, index: number): HTMLElement {
    const line = document.createElement("li");
    line.id = `command-offer-${index}`;
    line.className = "command__offer";
    line.setAttribute("role", "option");
    const title = document.createElement("span");
    title.className = "command__title";
    title.textContent = offer.title;
    const hint = document.createElement("span");
    hint.className = "command__hint";
    hint.textContent = offer.hint;
    line.append(icon(offer.icon), title, hint);
    line.addEventListener("click", () => location.assign(offer.href));
    line.addEventListener("mousemove", () => this.#choose(index));
    return line;
  }

  #choose(index: number): void {
    this.#chosen = index;
    this.#mark();
  }

  #mark(): void {
    [...this.#list.children].forEach((line, index) => {
      const isChosen = index === this.#chosen;
      line.setAttribute("aria-selected", String(isChosen));
      if (isChosen) line.scrollIntoView({ block: "nearest" });
    });
    this.#field.setAttribute("aria-activedescendant", `command-offer-${this.#chosen}`);
  }

  #key(event: KeyboardEvent): void {
    const last = this.#offers.length - 1;
    if (event.key === "ArrowDown") this.#choose(this.#chosen >= last ? 0 : this.#chosen + 1);
    else if (event.key === "ArrowUp") this.#choose(this.#chosen <= 0 ? last : this.#chosen - 1);
    else if (event.key === "Enter") {
      const offer = this.#offers[this.#chosen];
      if (offer !== undefined) location.assign(offer.href);
    } else return;
    event.preventDefault();
  }
}
