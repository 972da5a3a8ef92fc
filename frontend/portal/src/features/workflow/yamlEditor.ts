/** The YAML editor: CodeMirror with the page's own colours, findings in the gutter, under words and behind lines. */

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, RangeSetBuilder, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  WidgetType,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { bySeverity, type Finding } from "@weft/graph";
import { perLine, rangeOf } from "./diagnostics";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.string, tags.content], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--text-faint)", fontStyle: "italic" },
  { tag: [tags.labelName, tags.typeName, tags.keyword], color: "var(--code-tag)" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--text-muted)" },
]);

class LineMessage extends WidgetType {
  constructor(
    private readonly severity: string,
    private readonly text: string,
  ) {
    super();
  }

  override eq(other: LineMessage): boolean {
    return other.severity === this.severity && other.text === this.text;
  }

  override toDOM(): HTMLElement {
    const made = document.createElement("span");
    made.className = `line-finding line-finding--${this.severity}`;
    made.textContent = this.text;
    made.setAttribute("aria-hidden", "true");
    return made;
  }
}

const showFindings = StateEffect.define<readonly Finding[]>();
const flash = StateEffect.define<number | null>();

function behindLines(state: EditorState, findings: readonly Finding[]): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const lines = [...perLine(bySeverity(findings))].sort(([a], [b]) => a - b);
  for (const [number, { finding, more }] of lines) {
    if (number > state.doc.lines) continue;
    const text = more === 0 ? finding.message : `${finding.message} (+${more})`;
    const widget = new LineMessage(finding.severity, text);
    const end = state.doc.line(number).to;
    builder.add(end, end, Decoration.widget({ widget, side: 1 }));
  }
  return builder.finish();
}

const lineFindings = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (shown, transaction) => {
    for (const effect of transaction.effects) {
      if (effect.is(showFindings)) return behindLines(transaction.state, effect.value);
    }
    return shown.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

const flashedLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (shown, transaction) => {
    for (const effect of transaction.effects) {
      if (!effect.is(flash)) continue;
      if (effect.value === null) return Decoration.none;
      return Decoration.set([Decoration.line({ class: "line-flash" }).range(effect.value)]);
    }
    return shown.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function diagnosticsOf(state: EditorState, findings: readonly Finding[]): Diagnostic[] {
  return findings.flatMap((finding) => {
    const range = rangeOf(state.doc, finding);
    if (range === null) return [];
    const severity = finding.severity === "error" ? "error" : finding.severity === "note" ? "info" : "warning";
    return [
      {
        from: range.from,
        to: range.to,
        severity,
        source: finding.code,
        message: finding.message,
        markClass: `mark-finding mark-finding--${finding.severity}`,
      } satisfies Diagnostic,
    ];
  });
}

export interface EditorOptions {
  readonly parent: HTMLElement;
  readonly text: string;
  readonly isReadOnly: boolean;
  readonly onType: (text: string) => void;
  readonly onSave: () => void;
}

export class YamlEditor {
  readonly #view: EditorView;
  #flashTimer = 0;

  constructor(options: EditorOptions) {
    const save = (): boolean => {
      options.onSave();
      return true;
    };
    this.#view = new EditorView({
      parent: options.parent,
      state: EditorState.create({
        doc: options.text,
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          drawSelection(),
          EditorView.lineWrapping,
          bracketMatching(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          highlightSelectionMatches(),
          yaml(),
          indentUnit.of("  "),
          syntaxHighlighting(colours),
          lintGutter(),
          lineFindings,
          flashedLine,
          EditorState.readOnly.of(options.isReadOnly),
          EditorView.contentAttributes.of({ "aria-label": "The document as YAML", spellcheck: "false" }),
          keymap.of([{ key: "Mod-s", run: save, preventDefault: true }, ...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) options.onType(update.state.doc.toString());
          }),
        ],
      }),
    });
  }

  showFindings(findings: readonly Finding[]): void {
    const state = this.#view.state;
    this.#view.dispatch({ effects: showFindings.of(findings) }, setDiagnostics(state, diagnosticsOf(state, findings)));
  }

  /** Replace the text, for example by what somebody else saved. */
  replace(text: string): void {
    if (this.#view.state.doc.toString() === text) return;
    this.#view.dispatch({ changes: { from: 0, to: this.#view.state.doc.length, insert: text } });
  }

  /** Bring a line into view and mark it for a moment. */
  reveal(number: number): void {
    if (number < 1 || number > this.#view.state.doc.lines) return;
    const line = this.#view.state.doc.line(number);
    this.#view.dispatch({
      selection: { anchor: line.from },
      effects: [EditorView.scrollIntoView(line.from, { y: "center" }), flash.of(line.from)],
    });
    this.#view.focus();
    clearTimeout(this.#flashTimer);
    this.#flashTimer = window.setTimeout(() => this.#view.dispatch({ effects: flash.of(null) }), 1500);
  }

  destroy(): void {
    clearTimeout(this.#flashTimer);
    this.#view.destroy();
  }
}
