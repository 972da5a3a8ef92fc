import { shortId } from "./format";
import { Icon } from "./Icon";

/** An id: short to read, whole to copy. The page's copy handler does the copying. */
export function Id({ value }: { readonly value: string }) {
  return (
    <span className="id" title={value}>
      <span className="id__text">{shortId(value)}</span>
      <button type="button" className="icon-button icon-button--small" data-copy={value} aria-label={`Copy id ${value}`}>
        <Icon name="copy" />
      </button>
    </span>
  );
}
