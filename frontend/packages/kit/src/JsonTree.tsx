import { Icon } from "./Icon";

const redacted = /^(\[redacted\]|\*{3,}|•{3,})$/;

function isContainer(value: unknown): value is Record<string, unknown> | readonly unknown[] {
  return typeof value === "object" && value !== null;
}

function Scalar({ value }: { readonly value: unknown }) {
  if (typeof value === "string" && redacted.test(value)) {
    return (
      <span className="json__redacted">
        <Icon name="lock" /> redacted
      </span>
    );
  }
  const kind = value === null ? "null" : typeof value;
  return <span className={`json__${kind}`}>{JSON.stringify(value)}</span>;
}

function size(value: Record<string, unknown> | readonly unknown[]): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  return `{${Object.keys(value).length}}`;
}

interface Place {
  readonly depth: number;
  /** How many levels are unfolded at first. */
  readonly open: number;
}

function Entry({ name, value, depth, open }: Place & { readonly name: string; readonly value: unknown }) {
  if (!isContainer(value) || Object.keys(value).length === 0) {
    return (
      <li className="json__leaf">
        <span className="json__key">{name}</span> <Scalar value={value} />
      </li>
    );
  }
  return (
    <li>
      <details open={depth < open}>
        <summary>
          <span className="json__key">{name}</span> <span className="json__size">{size(value)}</span>
        </summary>
        <Entries value={value} depth={depth + 1} open={open} />
      </details>
    </li>
  );
}

function Entries({ value, depth, open }: Place & { readonly value: object }) {
  return (
    <ul className="json__entries">
      {Object.entries(value).map(([name, inner]) => (
        <Entry key={name} name={name} value={inner} depth={depth} open={open} />
      ))}
    </ul>
  );
}

/** A JSON value to unfold; what was redacted says so. Folded, only its first level is shown. */
export function JsonTree(props: { readonly value: unknown; readonly label: string; readonly isFolded?: boolean }) {
  const { value, label, isFolded = false } = props;
  const isTree = isContainer(value) && Object.keys(value).length > 0;
  return (
    <div className="json" role="group" aria-label={label}>
      {isTree ? <Entries value={value} depth={0} open={isFolded ? 0 : 2} /> : <Scalar value={value} />}
    </div>
  );
}
