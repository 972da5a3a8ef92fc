import { spriteUrl } from "./icons";

/** One symbol of the sprite. */
export function Icon({ name, label }: { readonly name: string; readonly label?: string }) {
  return (
    <svg className="icon" role={label === undefined ? undefined : "img"} aria-label={label} aria-hidden={label === undefined}>
      <use href={`${spriteUrl()}#${name}`} />
    </svg>
  );
}
