import { useCallback, useEffect, useReducer, useRef } from "react";
import { ProblemError, sentenceOf } from "../../http";
import { type DraftState, draftReducer, firstDraft, isDirty } from "./draft";
import { checkText, loadDraft, saveDraft } from "./workflow.api";
import type { WorkflowPageData } from "./workflow.types";

const settle = 350;

export interface DraftDesk {
  readonly state: DraftState;
  readonly type: (text: string) => void;
  /** Save what is on screen; true when it is safe on the server. */
  readonly save: () => Promise<boolean>;
  /** The revision that the server holds, as far as this page knows, also right after a save. */
  readonly revision: () => number;
  readonly keepMine: () => void;
  readonly loadTheirs: () => Promise<void>;
}

function useChecking(data: WorkflowPageData, state: DraftState, checked: (text: string, answer: Awaited<ReturnType<typeof checkText>>) => void): void {
  useEffect(() => {
    if (state.text === state.checkedText) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      checkText(data.urls, state.text, abort.signal).then(
        (answer) => checked(state.text, answer),
        () => undefined,
      );
    }, settle);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [data.urls, state.text, state.checkedText, checked]);
}

function useLeaveGuard(isUnsaved: boolean): void {
  useEffect(() => {
    if (!isUnsaved) return undefined;
    const guard = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", guard);
    return () => window.removeEventListener("beforeunload", guard);
  }, [isUnsaved]);
}

/** The draft of the page: typing, checking while typing, saving with the revision it was read at. */
export function useDraft(data: WorkflowPageData): DraftDesk {
  const [state, dispatch] = useReducer(draftReducer, undefined, () => firstDraft(data.draft, data.checked));
  const latest = useRef(state);
  latest.current = state;
  const revision = useRef(state.saved.revision);
  revision.current = Math.max(revision.current, state.saved.revision);
  const checked = useCallback((text: string, answer: Awaited<ReturnType<typeof checkText>>) => {
    dispatch({ type: "checked", text, checked: answer });
  }, []);
  useChecking(data, state, checked);
  useLeaveGuard(isDirty(state));

  const save = useCallback(async (): Promise<boolean> => {
    const now = latest.current;
    if (!isDirty(now)) return true;
    dispatch({ type: "saving" });
    try {
      const draft = await saveDraft(data.urls, now.text, now.saved.revision);
      revision.current = draft.revision;
      dispatch({ type: "saved", draft });
      return true;
    } catch (error) {
      if (error instanceof ProblemError && error.problem.status === 412) {
        const revision = Number(error.problem["revision"] ?? now.saved.revision);
        dispatch({ type: "conflicted", conflict: { revision, by: String(error.problem["saved_by"] ?? "somebody else") } });
      } else dispatch({ type: "failed", message: sentenceOf(error) });
      return false;
    }
  }, [data.urls]);

  return {
    state,
    type: useCallback((text: string) => dispatch({ type: "typed", text }), []),
    save,
    revision: useCallback(() => revision.current, []),
    keepMine: useCallback(() => dispatch({ type: "keptMine" }), []),
    loadTheirs: useCallback(async () => {
      try {
        dispatch({ type: "loaded", draft: await loadDraft(data.urls) });
      } catch (error) {
        dispatch({ type: "failed", message: sentenceOf(error) });
      }
    }, [data.urls]),
  };
}
