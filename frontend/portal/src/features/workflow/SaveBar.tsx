import { Icon, Time } from "@weft/kit";
import { type DraftState, isDirty } from "./draft";

export interface SaveBarProps {
  readonly state: DraftState;
  readonly canEdit: boolean;
  readonly onSave: () => void;
  readonly onKeepMine: () => void;
  readonly onLoadTheirs: () => void;
}

function Conflicted({ state, onKeepMine, onLoadTheirs }: SaveBarProps) {
  return (
    <div className="banner banner--waiting" role="alert">
      <Icon name="warning" />
      <div>
        <strong>{state.conflict?.by} saved this draft while you were editing.</strong>
        <p>Your text is still here and not saved.</p>
        <div className="banner__actions">
          <button type="button" className="button button--small" onClick={onLoadTheirs}>
            Load theirs, drop mine
          </button>
          <button type="button" className="button button--small" onClick={onKeepMine}>
            Keep mine, save over theirs
          </button>
        </div>
      </div>
    </div>
  );
}

function Words({ state, canEdit }: Pick<SaveBarProps, "state" | "canEdit">) {
  if (!canEdit) return <span className="muted">You may read this draft.</span>;
  if (state.isSaving) return <span className="muted">Saving…</span>;
  if (isDirty(state)) return <span className="unsaved">Unsaved changes</span>;
  return (
    <span className="muted">
      Saved by {state.saved.saved_by}, <Time iso={state.saved.saved_at} />
    </span>
  );
}

/** Whether the draft is safe, and what to do when it is not. */
export function SaveBar(props: SaveBarProps) {
  const { state, canEdit, onSave } = props;
  return (
    <>
      {state.conflict !== null && <Conflicted {...props} />}
      {state.failure !== null && (
        <div className="banner banner--error" role="alert">
          <Icon name="error" />
          <p>{state.failure}</p>
        </div>
      )}
      <div className="pane-bar">
        <span role="status">
          <Words state={state} canEdit={canEdit} />
        </span>
        {canEdit && (
          <button type="button" className="button button--small" onClick={onSave} disabled={!isDirty(state) || state.isSaving}>
            Save draft
          </button>
        )}
      </div>
    </>
  );
}
