import { aRun } from "@weft/live/testing";
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Id } from "./Id";
import { JsonTree } from "./JsonTree";
import { FindingPill, StatePill } from "./StatePill";
import { lookOf } from "./states";
import { Time } from "./Time";
import { Timeline } from "./Timeline";
import { toast } from "./toast";

let place: HTMLElement;
let root: Root;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  document.body.innerHTML = '<div id="place"></div>';
  place = document.getElementById("place") as HTMLElement;
  root = createRoot(place);
});

afterEach(() => {
  act(() => root.unmount());
  vi.useRealTimers();
});

function show(node: ReactNode): void {
  act(() => root.render(node));
}

describe("a state pill", () => {
  it("carries colour, icon and word", () => {
    show(<StatePill state="waiting" />);
    expect(place.querySelector(".pill--waiting use")?.getAttribute("href")).toContain("#state-waiting");
    expect(place.textContent).toBe("Waiting");
  });

  it("shows a state it does not know as unknown, under its own word", () => {
    expect(lookOf("paused")).toEqual({ word: "paused", icon: "state-unknown", tone: "unknown" });
    show(<FindingPill severity="error" count={2} />);
    expect(place.textContent).toBe("2 errors");
    show(<FindingPill severity="blocked" count={2} />);
    expect(place.textContent).toBe("2 blocked");
  });
});

describe("small pieces", () => {
  it("show an id short and copy it whole", () => {
    show(<Id value="018f0000-0000-7000-8000-0000deadbeef" />);
    expect(place.textContent).toBe("deadbeef");
    expect(place.querySelector("button")?.dataset["copy"]).toBe("018f0000-0000-7000-8000-0000deadbeef");
  });

  it("show a moment relative, with the exact one on hover", () => {
    show(<Time iso={new Date(Date.now() - 120_000).toISOString()} />);
    expect(place.textContent).toBe("2 min ago");
    expect(place.querySelector("time")?.title).not.toBe("");
  });
});

describe("a JSON tree", () => {
  it("unfolds containers, counts them, and says what was redacted", () => {
    show(<JsonTree label="Output" value={{ id: 7, token: "[redacted]", lines: [1, 2], empty: {}, none: null }} />);
    expect(place.textContent).toContain("lines [2]");
    expect(place.querySelector(".json__redacted")?.textContent).toContain("redacted");
    expect(place.textContent).not.toContain("[redacted]");
    expect(place.querySelectorAll("details")).toHaveLength(1);
  });

  it("shows a bare value", () => {
    show(<JsonTree label="Output" value="plain" />);
    expect(place.textContent).toBe('"plain"');
  });
});

describe("a timeline", () => {
  const failed = aRun({
    state: "failed",
    finished_at: "2026-01-05T10:00:01Z",
    duration_us: 1_000_000,
    steps: [
      { index: 0, name: "check", kind: "validate", state: "done", attempt: 1, input: { asked: { deep: 1 } }, output: { fine: true }, duration_us: 900 },
      {
        index: 1,
        name: "send",
        kind: "uses",
        module: "notifier",
        state: "failed",
        attempt: 3,
        error: { code: "http.refused", message: "the receiver refused" },
        logs: [{ message: "trying", level: "warning" }],
        path: "workflows.pipelines.a.steps[1]",
      },
    ],
  });

  it("opens on the step that failed and unfolds the others on request", () => {
    show(<Timeline run={failed} />);
    expect(place.textContent).toContain("http.refused");
    expect(place.textContent).toContain("notifier · attempt 3");
    expect(place.textContent).toContain("trying");
    expect(place.textContent).not.toContain("fine");
    act(() => place.querySelector<HTMLButtonElement>('[data-step="check"] button')?.click());
    expect(place.textContent).toContain("fine");
  });

  it("shows what went into a step beside what came out of it, folded below the first level", () => {
    show(<Timeline run={failed} />);
    act(() => place.querySelector<HTMLButtonElement>('[data-step="check"] button')?.click());
    const flow = place.querySelector('[data-step="check"] .timeline__flow');
    expect([...(flow?.querySelectorAll("h4") ?? [])].map((title) => title.textContent)).toEqual(["Input", "Output"]);
    expect(flow?.querySelector('[aria-label="Input of check"]')?.textContent).toContain("asked {1}");
    expect(flow?.querySelector("details")?.open).toBe(false);
    expect(place.querySelector('[data-step="send"] .timeline__flow')).toBeNull();
  });

  it("leads to the text of a step", () => {
    const asked = vi.fn();
    show(<Timeline run={failed} onShowSource={asked} />);
    act(() => place.querySelector<HTMLButtonElement>(".timeline__place button")?.click());
    expect(asked).toHaveBeenCalledWith(failed.steps[1]);
  });

  it("says so when no step has started", () => {
    show(<Timeline run={aRun({ steps: [] })} />);
    expect(place.textContent).toContain("No step has started yet");
  });
});

describe("a toast", () => {
  it("can be undone for ten seconds and then goes", () => {
    vi.useFakeTimers();
    const undo = vi.fn();
    toast("Archived", { undo });
    vi.advanceTimersByTime(9_000);
    document.querySelector<HTMLButtonElement>(".toast button")?.click();
    expect(undo).toHaveBeenCalledOnce();
    toast("Saved");
    vi.advanceTimersByTime(5_000);
    expect(document.querySelector(".toast")).toBeNull();
  });

  it("stays until dismissed when it tells of a failure", () => {
    vi.useFakeTimers();
    toast("It did not work", { tone: "failed" });
    vi.advanceTimersByTime(60_000);
    document.querySelector<HTMLButtonElement>(".toast button")?.click();
    expect(document.querySelector(".toast")).toBeNull();
  });
});
