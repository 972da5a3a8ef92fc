import { aFinding } from "@weft/graph/testing";
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ProblemError } from "../../http";
import { DeployDialog } from "./DeployDialog";
import { firstDraft } from "./draft";
import { PublishDialog } from "./PublishDialog";
import { SaveBar } from "./SaveBar";
import { Tabs } from "./Tabs";

let place: HTMLElement;
let root: Root;

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  document.body.innerHTML = '<div id="place"></div>';
  place = document.getElementById("place") as HTMLElement;
  root = createRoot(place);
});

afterEach(() => act(() => root.unmount()));

async function show(node: ReactNode): Promise<void> {
  await act(async () => root.render(node));
}

function button(words: string): HTMLButtonElement {
  const found = [...place.querySelectorAll("button")].find((one) => one.textContent.includes(words));
  if (found === undefined) throw new Error(`no button says ${words}`);
  return found;
}

async function type(field: HTMLInputElement, value: string): Promise<void> {
  await act(async () => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(field, value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

const version = { number: 2, sha256: "aa", note: "", findings: [], published_at: "2026-01-05T10:00:00Z", published_by: "ada" };
const deployment = {
  id: "d",
  environment: "prod",
  version: 1,
  deployed_at: "2026-01-05T10:00:00Z",
  deployed_by: "ada",
  ended_at: null,
};

function deployTo(environment: string, onDeploy: () => Promise<void>, onClose = (): void => undefined): ReactNode {
  return (
    <DeployDialog
      slug="orders"
      versions={[version]}
      environments={[
        { name: "dev", is_production: false },
        { name: "prod", is_production: true },
      ]}
      live={[deployment]}
      suggested={{ environment, version: 2, confirm_orphans: false }}
      onDeploy={onDeploy}
      onClose={onClose}
    />
  );
}

describe("deploying", () => {
  it("to production waits for the name of the workflow", async () => {
    const deployed = vi.fn(async () => undefined);
    await show(deployTo("prod", deployed));
    expect(place.textContent).toContain("Replaces version 1 in prod");
    expect(button("Deploy v2 to prod").disabled).toBe(true);
    await type(place.querySelector("input") as HTMLInputElement, "orders");
    await act(async () => button("Deploy v2 to prod").click());
    expect(deployed).toHaveBeenCalledWith({ environment: "prod", version: 2, confirm_orphans: false });
  });

  it("elsewhere asks nothing and closes when it is done", async () => {
    const closed = vi.fn();
    await show(deployTo("dev", async () => undefined, closed));
    await act(async () => button("Deploy v2 to dev").click());
    expect(closed).toHaveBeenCalledOnce();
  });

  it("shows every reason of a refusal, and offers to leave orphaned instances", async () => {
    const findings = [aFinding("workflows", { code: "instances.orphaned", message: "3 live instances are in packed", line: 7 })];
    const refused = async (): Promise<void> => {
      throw new ProblemError({ title: "Refused", status: 422, detail: "It cannot be deployed.", findings });
    };
    await show(deployTo("dev", refused));
    await act(async () => button("Deploy v2 to dev").click());
    expect(place.textContent).toContain("It cannot be deployed.");
    expect(place.textContent).toContain("3 live instances are in packed line 7");
    expect(place.textContent).toContain("Deploy anyway");
  });
});

describe("deploying placeholders", () => {
  it("is offered once they are refused, and asked for with the next try", async () => {
    const findings = [aFinding("modules[0].type", { code: "module.type.placeholder", severity: "blocked" })];
    const deployed = vi.fn(async () => {
      throw new ProblemError({ title: "Refused", status: 422, detail: "It cannot be deployed.", findings });
    });
    await show(deployTo("dev", deployed));
    await act(async () => button("Deploy v2 to dev").click());
    await act(async () => (place.querySelector('input[type="checkbox"]') as HTMLInputElement).click());
    await act(async () => button("Deploy v2 to dev").click());
    expect(deployed).toHaveBeenLastCalledWith({
      environment: "dev",
      version: 2,
      confirm_orphans: false,
      allow_placeholders: true,
    });
  });
});

describe("publishing", () => {
  it("is forbidden by errors and only warned about by blocked findings", async () => {
    await show(<PublishDialog next={3} findings={[aFinding("a")]} onPublish={vi.fn()} onClose={vi.fn()} />);
    expect(button("Publish version 3").disabled).toBe(true);
    const blocked = [aFinding("a", { severity: "blocked" })];
    await show(<PublishDialog next={3} findings={blocked} onPublish={vi.fn()} onClose={vi.fn()} />);
    expect(button("Publish version 3").disabled).toBe(false);
    expect(place.textContent).toContain("can be published, but not deployed");
  });

  it("says why it did not work and stays open", async () => {
    const closed = vi.fn();
    const failing = async (): Promise<void> => {
      throw new Error("The draft could not be saved.");
    };
    await show(<PublishDialog next={3} findings={[]} onPublish={failing} onClose={closed} />);
    await act(async () => button("Publish version 3").click());
    expect(place.querySelector('[role="alert"]')?.textContent).toBe("The draft could not be saved.");
    expect(closed).not.toHaveBeenCalled();
  });
});

describe("the save bar", () => {
  const draft = { text: "a", revision: 1, saved_at: "2026-01-05T10:00:00Z", saved_by: "ada" };
  const state = firstDraft(draft, { findings: [], graph: null });

  it("in a conflict offers both texts", async () => {
    const [mine, theirs] = [vi.fn(), vi.fn()];
    const conflicted = { ...state, conflict: { revision: 4, by: "bob" } };
    await show(<SaveBar state={conflicted} canEdit onSave={vi.fn()} onKeepMine={mine} onLoadTheirs={theirs} />);
    expect(place.textContent).toContain("bob saved this draft while you were editing");
    await act(async () => button("Keep mine").click());
    await act(async () => button("Load theirs").click());
    expect([mine.mock.calls.length, theirs.mock.calls.length]).toEqual([1, 1]);
  });

  it("offers to save only what is not saved, and nothing to a reader", async () => {
    const bar = (text: string, canEdit: boolean): ReactNode => (
      <SaveBar state={{ ...state, text }} canEdit={canEdit} onSave={vi.fn()} onKeepMine={vi.fn()} onLoadTheirs={vi.fn()} />
    );
    await show(bar("a", true));
    expect(button("Save draft").disabled).toBe(true);
    await show(bar("b", true));
    expect(button("Save draft").disabled).toBe(false);
    await show(bar("a", false));
    expect(place.querySelector("button")).toBeNull();
  });
});

describe("tabs", () => {
  it("are walked with the arrow keys, around the ends", async () => {
    const chosen = vi.fn();
    const tabs = [
      { id: "a", words: "A" },
      { id: "b", words: "B", count: 2 },
    ];
    await show(<Tabs tabs={tabs} chosen="a" onChoose={chosen} label="Parts" />);
    const list = place.querySelector('[role="tablist"]') as HTMLElement;
    await act(async () => list.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true })));
    expect(chosen).toHaveBeenCalledWith("b");
    expect(place.querySelector('[aria-selected="true"]')?.textContent).toBe("A");
  });
});
