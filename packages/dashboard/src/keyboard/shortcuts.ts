import { useEffect, useRef } from "react";
import { matchPress, pressName, sequenceMs } from "./keymap.ts";

interface Shortcut {
  keys: string;
  /** What it does, in the help; without one it is not listed. */
  label?: string;
  group?: string;
  run: (event: KeyboardEvent) => void;
}

/** Later ones win: a screen's own before the shell's. */
const active: Shortcut[] = [];
let pending = "";
let pendingSince = 0;

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const press = pressName(event);
  if (press === undefined) return;
  if (isTyping(event.target) && !press.startsWith("mod+")) return;
  // A dialog has the keys to itself, but for what closes and commands.
  if (document.querySelector('[role="dialog"][data-open], [role="alertdialog"][data-open]') && press !== "mod+k")
    return;
  if (event.timeStamp - pendingSince > sequenceMs) pending = "";
  const match = matchPress(
    active.map(({ keys }) => keys),
    pending,
    press,
  );
  pending = match.pending;
  pendingSince = event.timeStamp;
  const shortcut = active.findLast(({ keys }) => keys === match.binding);
  if (shortcut === undefined) return;
  event.preventDefault();
  shortcut.run(event);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox]):not([type=radio])");
}

/** Those that work on this screen, for the help. */
export function listShortcuts(): Required<Pick<Shortcut, "keys" | "label" | "group">>[] {
  return active.flatMap(({ keys, label, group }) =>
    label === undefined ? [] : [{ keys, label, group: group ?? "This screen" }],
  );
}

/** Has keys do something while the component is there. The list may be new at each render. */
export function useShortcuts(shortcuts: Shortcut[]): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  const names = shortcuts.map(({ keys }) => keys).join("\n");
  useEffect(() => {
    if (active.length === 0) window.addEventListener("keydown", onKeyDown);
    const mine = latest.current.map((shortcut, index) => ({
      ...shortcut,
      run: (event: KeyboardEvent) => latest.current[index]?.run(event),
    }));
    active.push(...mine);
    return () => {
      for (const one of mine) active.splice(active.indexOf(one), 1);
      if (active.length === 0) window.removeEventListener("keydown", onKeyDown);
    };
  }, [names]);
}
