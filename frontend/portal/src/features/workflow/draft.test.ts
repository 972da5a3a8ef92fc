import { describe, expect, it } from "vitest";
import { draftReducer, firstDraft, isChecking, isDirty } from "./draft";
import type { Draft } from "./workflow.types";

const draft: Draft = { text: "a: 1\n", revision: 4, saved_at: "2026-01-05T10:00:00Z", saved_by: "ada" };
const graph = { nodes: [], edges: [] };
const first = firstDraft(draft, { findings: [], graph });
const finding = { severity: "error", code: "c", path: "a", line: 1, column: 1, message: "m" } as const;

describe("a draft", () => {
  it("is dirty and unchecked from the first key until saved and checked", () => {
    const typed = draftReducer(first, { type: "typed", text: "a: 2\n" });
    expect([isDirty(typed), isChecking(typed)]).toEqual([true, true]);
    const checked = draftReducer(typed, { type: "checked", text: "a: 2\n", checked: { findings: [finding], graph } });
    expect([isChecking(checked), checked.findings]).toEqual([false, [finding]]);
    const saved = draftReducer(checked, { type: "saved", draft: { ...draft, text: "a: 2\n", revision: 5 } });
    expect([isDirty(saved), saved.saved.revision]).toEqual([false, 5]);
  });

  it("stays dirty when more was typed while it was being saved", () => {
    const saving = draftReducer(draftReducer(first, { type: "typed", text: "b" }), { type: "saving" });
    const more = draftReducer(saving, { type: "typed", text: "bc" });
    expect(isDirty(draftReducer(more, { type: "saved", draft: { ...draft, text: "b", revision: 5 } }))).toBe(true);
  });

  it("keeps the last good drawing while the text cannot be parsed", () => {
    const known = firstDraft(draft, { findings: [], graph: { nodes: [], edges: [] } });
    const broken = draftReducer(known, { type: "checked", text: ": :", checked: { findings: [finding], graph: null } });
    expect([broken.graph, broken.isGraphStale]).toEqual([known.graph, true]);
    expect(firstDraft(draft, { findings: [finding], graph: null }).isGraphStale).toBe(true);
  });

  it("in a conflict, saves over theirs only when told to", () => {
    const mine = draftReducer(first, { type: "typed", text: "mine" });
    const conflicted = draftReducer(mine, { type: "conflicted", conflict: { revision: 9, by: "bob" } });
    expect(conflicted.saved.revision).toBe(4);
    const kept = draftReducer(conflicted, { type: "keptMine" });
    expect([kept.saved.revision, kept.text, kept.conflict]).toEqual([9, "mine", null]);
    const theirs = { ...draft, text: "theirs", revision: 9 };
    expect(draftReducer(conflicted, { type: "loaded", draft: theirs })).toMatchObject({ text: "theirs", conflict: null });
    expect(draftReducer(first, { type: "keptMine" })).toBe(first);
  });

  it("remembers why a save failed until the next attempt", () => {
    const failed = draftReducer(first, { type: "failed", message: "no" });
    expect(failed.failure).toBe("no");
    expect(draftReducer(failed, { type: "saving" })).toMatchObject({ failure: null, isSaving: true });
  });
});
