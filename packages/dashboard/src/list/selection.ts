import { useCallback, useEffect, useState } from "react";

export interface Selection {
  ids: ReadonlySet<string>;
  toggle: (id: string) => void;
  /** All of these, or none of them when all are chosen. */
  toggleAll: (ids: readonly string[]) => void;
  clear: () => void;
}

/** Which rows are chosen; another list (`key`) begins with none. */
export function useSelection(key: string): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const clear = useCallback(() => setIds(new Set()), []);
  useEffect(clear, [key, clear]);
  const toggle = useCallback((id: string) => setIds((before) => flip(before, [id], !before.has(id))), []);
  const toggleAll = useCallback((all: readonly string[]) => {
    setIds((before) => flip(before, all, !all.every((id) => before.has(id))));
  }, []);
  return { ids, toggle, toggleAll, clear };
}

function flip(before: ReadonlySet<string>, ids: readonly string[], chosen: boolean): ReadonlySet<string> {
  const after = new Set(before);
  for (const id of ids) {
    if (chosen) after.add(id);
    else after.delete(id);
  }
  return after;
}
