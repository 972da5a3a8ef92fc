import { countBySeverity, type Finding } from "@weft/graph";
import { Icon, plural } from "@weft/kit";
import { useState } from "react";
import { sentenceOf } from "../../http";
import { Dialog } from "./Dialog";

export interface PublishDialogProps {
  readonly next: number;
  readonly findings: readonly Finding[];
  readonly onPublish: (note: string) => Promise<void>;
  readonly onClose: () => void;
}

/** Publishing makes the next version; errors forbid it, blocked findings forbid only deploying it. */
export function PublishDialog({ next, findings, onPublish, onClose }: PublishDialogProps) {
  const [note, setNote] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const counts = countBySeverity(findings);
  const submit = async (): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      await onPublish(note);
      onClose();
    } catch (error) {
      setFailure(sentenceOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Publish version ${next}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {counts.error > 0 && (
          <div className="banner banner--error">
            <Icon name="error" />
            <p>{plural(counts.error, "error")} must be mended before this can be published.</p>
          </div>
        )}
        {counts.error === 0 && counts.blocked > 0 && (
          <div className="banner banner--waiting">
            <Icon name="blocked" />
            <p>{plural(counts.blocked, "blocked finding")}: the version can be published, but not deployed.</p>
          </div>
        )}
        <label className="field">
          <span className="field__label">What changed</span>
          <textarea rows={3} maxLength={500} value={note} onChange={(event) => setNote(event.target.value)} autoFocus />
        </label>
        {failure !== null && (
          <p className="field-error" role="alert">
            {failure}
          </p>
        )}
        <div className="dialog__actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button--primary" disabled={isBusy || counts.error > 0}>
            {isBusy ? "Publishing…" : `Publish version ${next}`}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
