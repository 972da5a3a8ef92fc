import { type KeyboardEvent, useRef } from "react";

export interface Tab {
  readonly id: string;
  readonly words: string;
  readonly count?: number;
}

/** Tabs with arrow keys; the panes are the caller's. */
export function Tabs({ tabs, chosen, onChoose, label }: { readonly tabs: readonly Tab[]; readonly chosen: string; readonly onChoose: (id: string) => void; readonly label: string }) {
  const list = useRef<HTMLDivElement>(null);
  const onKey = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    const next = tabs[(tabs.findIndex((tab) => tab.id === chosen) + by + tabs.length) % tabs.length];
    if (next === undefined) return;
    onChoose(next.id);
    list.current?.querySelector<HTMLElement>(`#tab-${next.id}`)?.focus();
  };
  return (
    <div ref={list} className="tabs" role="tablist" aria-label={label} onKeyDown={onKey}>
      {tabs.map((tab) => (
        <button
          key={tab.id}
          id={`tab-${tab.id}`}
          type="button"
          role="tab"
          className="tabs__tab"
          data-tab={tab.id}
          aria-selected={tab.id === chosen}
          aria-controls={`pane-${tab.id}`}
          tabIndex={tab.id === chosen ? 0 : -1}
          onClick={() => onChoose(tab.id)}
        >
          {tab.words}
          {tab.count !== undefined && tab.count > 0 && <span className="tabs__count">{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}
