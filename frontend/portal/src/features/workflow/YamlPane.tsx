import type { Finding } from "@weft/graph";
import { useEffect, useImperativeHandle, useRef, type Ref } from "react";
import { YamlEditor } from "./yamlEditor";

export interface YamlPaneHandle {
  reveal(line: number): void;
}

export interface YamlPaneProps {
  readonly text: string;
  readonly findings: readonly Finding[];
  readonly isReadOnly: boolean;
  readonly onType: (text: string) => void;
  readonly onSave: () => void;
  readonly ref?: Ref<YamlPaneHandle>;
}

/** The YAML of the draft with its findings in line. */
export default function YamlPane({ text, findings, isReadOnly, onType, onSave, ref }: YamlPaneProps) {
  const place = useRef<HTMLDivElement>(null);
  const editor = useRef<YamlEditor | null>(null);
  const handlers = useRef({ onType, onSave });
  handlers.current = { onType, onSave };
  const first = useRef(text);

  useEffect(() => {
    if (place.current === null) return undefined;
    const made = new YamlEditor({
      parent: place.current,
      text: first.current,
      isReadOnly,
      onType: (typed) => handlers.current.onType(typed),
      onSave: () => handlers.current.onSave(),
    });
    editor.current = made;
    return () => {
      editor.current = null;
      made.destroy();
    };
  }, [isReadOnly]);

  useEffect(() => editor.current?.replace(text), [text]);
  useEffect(() => editor.current?.showFindings(findings), [findings]);
  useImperativeHandle(ref, () => ({ reveal: (line) => editor.current?.reveal(line) }), []);
  return <div ref={place} className="yaml" data-testid="yaml" />;
}
