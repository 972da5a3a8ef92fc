/** Short messages in a corner, read out by screen readers; with an undo they stay ten seconds. */

export interface ToastOptions {
  readonly tone?: "done" | "failed" | "note";
  readonly undo?: () => void;
}

const stay = { plain: 5_000, withUndo: 10_000 } as const;

function region(): HTMLElement {
  const known = document.getElementById("toasts");
  if (known !== null) return known;
  const made = document.createElement("div");
  made.id = "toasts";
  made.className = "toasts";
  made.setAttribute("role", "status");
  made.setAttribute("aria-live", "polite");
  document.body.append(made);
  return made;
}

function button(text: string, action: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button--quiet button--small";
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
}

/** Show a message; returns what takes it away. A failure stays until it is dismissed. */
export function toast(message: string, options: ToastOptions = {}): () => void {
  const box = document.createElement("div");
  box.className = `toast toast--${options.tone ?? "note"}`;
  const text = document.createElement("p");
  text.textContent = message;
  box.append(text);
  const remove = (): void => box.remove();
  const undo = options.undo;
  if (undo !== undefined) {
    box.append(
      button("Undo", () => {
        remove();
        undo();
      }),
    );
  }
  if (options.tone === "failed") box.append(button("Dismiss", remove));
  else setTimeout(remove, undo === undefined ? stay.plain : stay.withUndo);
  region().append(box);
  return remove;
}
