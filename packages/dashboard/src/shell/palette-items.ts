import type { LucideIcon } from "lucide-react";

export interface PaletteItem {
  id: string;
  group: string;
  label: string;
  icon: LucideIcon;
  /** Shown at the end of the line. */
  hint?: string;
  keys?: string;
  run: () => void;
}

/** How well `text` answers `typed`: every word of it must occur; earlier and at the beginning of a word is better. 0 is no match. */
export function rank(text: string, typed: string): number {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const inside = text.toLowerCase();
  let score = 1;
  for (const word of words) {
    const at = inside.indexOf(word);
    if (at < 0) return 0;
    const begins = at === 0 || /[^a-z0-9]/.test(inside[at - 1] ?? "");
    score += (begins ? 2 : 0.5) + 1 / (at + 1);
  }
  return score;
}

/** Best first; as they were where they are alike. */
export function search<T extends { label: string; group: string }>(items: readonly T[], typed: string): T[] {
  return items
    .map((item) => ({ item, score: rank(`${item.label} ${item.group}`, typed) }))
    .filter(({ score }) => score > 0)
    .toSorted((one, other) => other.score - one.score)
    .map(({ item }) => item);
}

/** Where jobs may be that are meant by it: a number is an id, words with dots between them a name. */
export function jobsMeant(typed: string): { label: string; id: string } | { label: string; q: string } | undefined {
  const words = typed.trim();
  if (/^[1-9]\d{0,17}$/.test(words)) return { label: `Job ${words}`, id: words };
  return /^[a-z][\w-]*(\.[\w-]+)+$/i.test(words) ? { label: `Jobs named ${words}`, q: `name:${words}` } : undefined;
}
