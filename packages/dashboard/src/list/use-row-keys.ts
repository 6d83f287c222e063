import { useState } from "react";
import { useShortcuts } from "../keyboard/shortcuts.ts";
import type { Selection } from "./selection.ts";
import type { KeysetList } from "./use-keyset-list.ts";

interface RowKeys<T> {
  list: KeysetList<T>;
  idOf: (item: T) => string;
  onOpen: (item: T) => void;
  selection?: Selection | undefined;
  scrollTo: (index: number) => void;
}

/** j and k go through the rows, Enter opens, x chooses. Answers the id of the row they are at. */
export function useRowKeys<T>({ list, idOf, onOpen, selection, scrollTo }: RowKeys<T>): string | undefined {
  const [active, setActive] = useState<string>();
  const { rows } = list;
  const at = rows.findIndex((row) => idOf(row) === active);
  const move = (step: number): void => {
    const next = Math.max(0, Math.min(rows.length - 1, at + step));
    const row = rows[next];
    if (row === undefined) return;
    setActive(idOf(row));
    scrollTo(next);
  };
  const group = "In a list";
  const shortcuts = [
    { keys: "j", label: "Next row", group, run: () => move(1) },
    { keys: "k", label: "Row before", group, run: () => move(-1) },
    {
      keys: "Enter",
      label: "Open the row",
      group,
      run: (event: KeyboardEvent) => {
        const row = rows[at];
        if (row !== undefined && !focusIsOnControl(event)) onOpen(row);
        else if (event.target instanceof HTMLElement) event.target.click();
      },
    },
  ];
  if (selection !== undefined) {
    shortcuts.push({
      keys: "x",
      label: "Choose the row",
      group,
      run: () => active !== undefined && at >= 0 && selection.toggle(active),
    });
  }
  useShortcuts(shortcuts);
  return active;
}

/** Enter on a button or a link is that one's. */
function focusIsOnControl({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.closest("a, button, input, select, textarea, summary") !== null;
}
