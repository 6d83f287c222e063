import type { Engine } from "./engines.ts";
import type { Bench } from "./harness/bench-run.ts";

/** One run's results by name; a scenario's `unit` is that of the one called `figure`. */
export type Figures = Record<string, number>;

/** What issue and law ask of ours: a ratio to others in the same run, or a bound. */
export interface Target {
  ours: string;
  /** Of the figures, the one that is meant. */
  figure: string;
  /** Against the best of these engines; left out where the figure itself is bounded. */
  against?: readonly string[];
  /** `ours ÷ best`, or the figure, is to be at least so much. */
  atLeast?: number;
  /** … at most so much. */
  atMost?: number;
}

/** One row of the comparison. */
export interface Scenario {
  /** As `npm run bench -- <name>` takes it. */
  name: string;
  /** What it measures, in a sentence. */
  measures: string;
  /** The name of the figure that is drawn and summed up. */
  figure: string;
  unit: string;
  better: "higher" | "lower";
  /** Names of the engines it can be run on, in the order of the table. */
  engines: readonly string[];
  /** Jobs (or what `measures` says) of a full run, and of a quick look. */
  sizes: { full: number; quick: number };
  targets: readonly Target[];
  /** One run on an empty store. */
  run(bench: Bench, engine: Engine, size: number): Promise<Figures>;
}
