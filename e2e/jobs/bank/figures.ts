import { percentile } from "../proof.ts";

/** What was measured of one kind of semaphore. */
export interface BankFigures {
  name: string;
  /** Sections per second of one alone, and of all at once on one balance. */
  alone: number;
  together: number;
  /** Of the updates without `ensureAtomicity`. */
  lost: number;
  updates: number;
  /** From the death of a holder to the permit in another's hand, ms. Empty where no holder can be killed by itself. */
  freedMs: number[];
  startSeconds: number;
}

const heads = ["semaphore", "alone /s", "together /s", "lost without", "freed p50 / max ms", "start s"];

/** Lines of a table. */
export function tableOf(figures: readonly BankFigures[]): string[] {
  const rows = figures.map(({ name, alone, together, lost, updates, freedMs, startSeconds }) => [
    name,
    alone.toFixed(0),
    together.toFixed(0),
    `${lost} of ${updates}`,
    freedMs.length === 0 ? "–" : `${percentile(freedMs, 0.5).toFixed(0)} / ${Math.max(...freedMs).toFixed(0)}`,
    startSeconds.toFixed(1),
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  return [heads, ...rows].map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}
