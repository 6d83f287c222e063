/** Keys pressed one after the other, as `g i`, `/`, `mod+k`, `?`. `mod` is ⌘ on a Mac and Ctrl elsewhere. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** How long the second key of a sequence may take. */
export const sequenceMs = 1_200;

/** One press in the words of a binding; undefined for a key that only modifies. */
export function pressName({ key, ctrlKey, metaKey, altKey }: KeyPress): string | undefined {
  if (["Shift", "Control", "Meta", "Alt", "CapsLock", "Dead"].includes(key)) return undefined;
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (altKey) return `alt+${name}`;
  return ctrlKey || metaKey ? `mod+${name}` : name;
}

export interface Match {
  /** The binding that is complete now. */
  binding?: string;
  /** What has been pressed of a longer one. */
  pending: string;
}

/** What a press makes of the bindings, after `pending`. A press that fits nothing begins anew. */
export function matchPress(bindings: Iterable<string>, pending: string, press: string): Match {
  const all = [...bindings];
  for (const typed of pending === "" ? [press] : [`${pending} ${press}`, press]) {
    if (all.includes(typed)) return { binding: typed, pending: "" };
    if (all.some((binding) => binding.startsWith(`${typed} `))) return { pending: typed };
  }
  return { pending: "" };
}
