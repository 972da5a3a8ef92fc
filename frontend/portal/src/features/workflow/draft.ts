/** The draft being edited, as a pure state: typed, checked, saved, or saved by somebody else meanwhile. */

import type { DocumentGraph, Finding } from "@weft/graph";
import type { Checked, Draft } from "./workflow.types";

export interface Conflict {
  readonly revision: number;
  readonly by: string;
}

export interface DraftState {
  readonly text: string;
  readonly saved: Draft;
  readonly isSaving: boolean;
  readonly conflict: Conflict | null;
  readonly failure: string | null;
  readonly findings: readonly Finding[];
  /** The drawing of the newest text that could be parsed. */
  readonly graph: DocumentGraph;
  readonly isGraphStale: boolean;
  readonly checkedText: string;
}

export type DraftAction =
  | { readonly type: "typed"; readonly text: string }
  | { readonly type: "checked"; readonly text: string; readonly checked: Checked }
  | { readonly type: "saving" }
  | { readonly type: "saved"; readonly draft: Draft }
  | { readonly type: "conflicted"; readonly conflict: Conflict }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "keptMine" }
  | { readonly type: "loaded"; readonly draft: Draft };

const nothing: DocumentGraph = { nodes: [], edges: [] };

export function firstDraft(draft: Draft, checked: Checked): DraftState {
  return {
    text: draft.text,
    saved: draft,
    isSaving: false,
    conflict: null,
    failure: null,
    findings: checked.findings,
    graph: checked.graph ?? nothing,
    isGraphStale: checked.graph === null,
    checkedText: draft.text,
  };
}

export function isDirty(state: DraftState): boolean {
  return state.text !== state.saved.text;
}

export function isChecking(state: DraftState): boolean {
  return state.text !== state.checkedText;
}

export function draftReducer(state: DraftState, action: DraftAction): DraftState {
  switch (action.type) {
    case "typed":
      return { ...state, text: action.text };
    case "checked":
      return {
        ...state,
        checkedText: action.text,
        findings: action.checked.findings,
        graph: action.checked.graph ?? state.graph,
        isGraphStale: action.checked.graph === null,
      };
    case "saving":
      return { ...state, isSaving: true, failure: null };
    case "saved":
      return { ...state, isSaving: false, conflict: null, failure: null, saved: action.draft };
    case "conflicted":
      return { ...state, isSaving: false, conflict: action.conflict };
    case "failed":
      return { ...state, isSaving: false, failure: action.message };
    case "keptMine":
      if (state.conflict === null) return state;
      return { ...state, conflict: null, saved: { ...state.saved, revision: state.conflict.revision } };
    case "loaded":
      return { ...state, conflict: null, failure: null, saved: action.draft, text: action.draft.text };
  }
}
