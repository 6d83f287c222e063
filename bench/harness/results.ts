import type { Figures, Scenario, Target } from "../scenario.ts";
import { summaryOf, type Summary } from "./figures.ts";

/** One run of one engine, as a line of the results' file. */
export interface Result {
  scenario: string;
  engine: string;
  /** Runs of one round were made one after another, on one machine: ratios are taken within rounds. */
  round: number;
  size: number;
  /** ISO 8601. */
  at: string;
  figures: Figures;
}

/** Of one figure of one engine. */
export function summary(results: readonly Result[], engine: string, figure: string): Summary {
  return summaryOf(valuesOf(results, engine, figure).map(({ value }) => value));
}

/** One engine's figure divided by another's, round by round; the median. NaN where they have no round in common. */
export function ratio(results: readonly Result[], figure: string, engine: string, other: string): number {
  const others = new Map(valuesOf(results, other, figure).map(({ round, value }) => [round, value]));
  const ratios = valuesOf(results, engine, figure).flatMap(({ round, value }) => {
    const beside = others.get(round);
    return beside === undefined ? [] : [value / beside];
  });
  return summaryOf(ratios).median;
}

function valuesOf(results: readonly Result[], engine: string, figure: string): { round: number; value: number }[] {
  return results.flatMap((result) => {
    const value = result.figures[figure];
    return result.engine === engine && value !== undefined ? [{ round: result.round, value }] : [];
  });
}

/** What a target asks and what was measured. */
export interface Verdict {
  target: Target;
  /** The best of those it is measured against; undefined for a bound. */
  best: string | undefined;
  value: number;
  holds: boolean;
}

/** @returns nothing for targets whose engines were not run. */
export function verdicts(scenario: Scenario, results: readonly Result[]): Verdict[] {
  return scenario.targets.flatMap((target) => {
    const { ours, figure, against, atLeast = -Infinity, atMost = Infinity } = target;
    const medians = (against ?? [])
      .map((engine) => ({ engine, median: summary(results, engine, figure).median }))
      .filter(({ median }) => Number.isFinite(median))
      // What is asked for at most is better the lower it is.
      .toSorted((a, b) => (target.atMost === undefined ? b.median - a.median : a.median - b.median));
    const best = medians[0]?.engine;
    if (against !== undefined && best === undefined) return [];
    const value = best === undefined ? summary(results, ours, figure).median : ratio(results, figure, ours, best);
    if (!Number.isFinite(value)) return [];
    return [{ target, best, value, holds: value >= atLeast && value <= atMost }];
  });
}
