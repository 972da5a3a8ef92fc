import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { guardByName, startDialogs } from "./dialogs";
import { filterUrl } from "./filters";
import { isTyping, keyList, moveRow, startKeys } from "./keys";
import { countNew, renewRow, showLiveState } from "./live";
import { bestOffers, type Offer, score } from "./matches";
import { refreshTimes } from "./times";

function draw(html: string): void {
  document.body.innerHTML = html;
}

afterEach(() => draw(""));

describe("the command bar's order", () => {
  const offer = (title: string): Offer => ({ group: "Pages", title, hint: "Page", href: "/", icon: "home" });

  it("puts what starts like the words first, scattered letters last, strangers nowhere", () => {
    expect(score("Runs", "run")).toBeGreaterThan(score("Failed runs", "run"));
    expect(score("Failed runs", "run")).toBeGreaterThan(score("Rerun", "run"));
    expect(score("Orders unfolding now", "oun")).toBe(20);
    expect(score("Orders", "zz")).toBe(0);
    expect(bestOffers(["Modules", "Messages", "Home"].map(offer), "m").map((one) => one.title)).toEqual([
      "Modules",
      "Messages",
      "Home",
    ]);
  });

  it("offers everything while nothing is typed, up to the limit", () => {
    expect(bestOffers(["A", "B", "C"].map(offer), "", 2)).toHaveLength(2);
  });
});

describe("rows", () => {
  beforeEach(() => draw('<div data-rows><a data-row-link href="#1">1</a><a data-row-link href="#2">2</a></div>'));

  it("take the focus one by one and stop at the ends", () => {
    moveRow(1);
    expect(document.activeElement?.textContent).toBe("1");
    moveRow(1);
    moveRow(1);
    expect(document.activeElement?.textContent).toBe("2");
    moveRow(-1);
    expect(document.activeElement?.textContent).toBe("1");
  });

  it("are entered from below when going up", () => {
    moveRow(-1);
    expect(document.activeElement?.textContent).toBe("2");
  });
});

describe("keys", () => {
  it("are left alone while somebody types", () => {
    draw('<input id="field"><div class="cm-editor"><b id="code"></b></div><p id="text"></p>');
    const at = (id: string): boolean => isTyping(document.getElementById(id));
    expect([at("field"), at("code"), at("text")]).toEqual([true, true, false]);
  });

  it("find, show the list and go to places", () => {
    draw('<a data-key="r" href="#runs">Runs</a>');
    const went = vi.fn((event: Event) => event.preventDefault());
    document.querySelector("a")?.addEventListener("click", went);
    const [find, showKeys] = [vi.fn(), vi.fn()];
    startKeys({ find, showKeys });
    const press = (key: string, more: KeyboardEventInit = {}): boolean =>
      document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
    press("k", { ctrlKey: true });
    press("?");
    press("g");
    press("r");
    expect([find.mock.calls.length, showKeys.mock.calls.length, went.mock.calls.length]).toEqual([1, 1, 1]);
    expect(keyList.map((key) => key.keys)).toContain("Ctrl K");
  });
});

describe("a dialog that asks for a name", () => {
  it("keeps its button shut until the name is typed", () => {
    draw('<dialog id="d"><input data-must-equal="orders"><button data-guarded>Go</button></dialog>');
    guardByName(document.getElementById("d") as HTMLElement);
    const field = document.querySelector("input") as HTMLInputElement;
    const button = document.querySelector("button") as HTMLButtonElement;
    expect(button.disabled).toBe(true);
    field.value = "orders ";
    field.dispatchEvent(new Event("input"));
    expect(button.disabled).toBe(false);
  });
});

describe("a menu", () => {
  it("closes on a click elsewhere and on Escape", () => {
    draw('<details class="menu" open><summary>A</summary></details><p>elsewhere</p>');
    startDialogs();
    const menu = document.querySelector("details") as HTMLDetailsElement;
    document.querySelector("p")?.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(menu.open).toBe(false);
    menu.open = true;
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
    expect(menu.open).toBe(false);
  });
});

describe("times", () => {
  it("stay true while the page is open", () => {
    draw('<time data-relative datetime="2026-01-05T10:00:00Z">just now</time>');
    refreshTimes(Date.parse("2026-01-05T10:03:00Z"));
    expect(document.querySelector("time")?.textContent).toBe("3 min ago");
  });
});

describe("the live indicator", () => {
  it("says since when it is offline", () => {
    draw('<span id="live"><span data-live-word></span></span>');
    const indicator = document.getElementById("live") as HTMLElement;
    showLiveState(indicator, "connected", Date.now());
    expect([indicator.dataset["state"], indicator.textContent]).toEqual(["connected", "Live"]);
    showLiveState(indicator, "offline", Date.now());
    expect(indicator.textContent).toMatch(/^Offline since /);
  });
});

describe("new rows", () => {
  it("are those that the page does not show", () => {
    draw('<i id="shown"><b data-row="1"></b></i><i id="fresh"><b data-row="2"></b><b data-row="1"></b></i>');
    const part = (id: string): ParentNode => document.getElementById(id) as HTMLElement;
    expect(countNew(part("shown"), part("fresh"))).toBe(1);
  });

  it("say what is so now, also while one of them holds the focus", () => {
    draw('<p id="shown"><a data-row-link href="#1">Waiting</a></p><p id="fresh"><a data-row-link href="#1">Done</a></p>');
    const row = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
    row("shown").querySelector("a")?.focus();
    renewRow(row("shown"), row("fresh"));
    expect(row("shown").textContent).toBe("Done");
    expect(document.activeElement).toBe(row("shown").querySelector("a"));
  });
});

describe("filters", () => {
  it("leave empty fields out of the address", () => {
    draw('<form action="http://localhost/t/a/runs"><input name="q" value=""><input name="state" value="done"></form>');
    expect(filterUrl(document.querySelector("form") as HTMLFormElement)).toBe("/t/a/runs?state=done");
    draw('<form action="http://localhost/t/a/runs"><input name="q" value=" "></form>');
    expect(filterUrl(document.querySelector("form") as HTMLFormElement)).toBe("/t/a/runs");
  });
});
