import { Icon } from "./Icon";

export function CodeBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className="code">
      <pre className="code__text" tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <button type="button" className="icon-button code__copy" data-copy={text} aria-label={`Copy ${label}`}>
        <Icon name="copy" />
      </button>
    </div>
  );
}
