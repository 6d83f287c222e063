import type { QueueChange, QueueView } from "@provost/contract";

type Limits = QueueView["limits"];
export type LimitName = keyof Limits;
/** The fields as they are typed; empty is no limit. */
export type LimitText = Record<LimitName, string>;

interface LimitField {
  label: string;
  hint: string;
  least: number;
  most: number;
  /** Digits after the point are allowed. */
  fraction?: true;
  /** It can't be without one. */
  required?: true;
  /** What holds without one, where that is not "no limit". */
  unset?: string;
}

export const limitFields: Record<LimitName, LimitField> = {
  concurrency: { label: "Concurrency", hint: "Jobs at once, on all hosts together", least: 1, most: 1_000_000 },
  keyConcurrency: {
    label: "Concurrency of a key",
    hint: "The same, of jobs with one limit key",
    least: 1,
    most: 1_000_000,
  },
  ratePerSecond: {
    label: "Rate",
    hint: "Starts per second, on average",
    least: 0.0001,
    most: 1_000_000,
    fraction: true,
  },
  rateBurst: {
    label: "Burst",
    hint: "Starts at once after a rest",
    least: 1,
    most: 1_000_000,
    unset: "a second's worth",
  },
  agingMs: {
    label: "Aging, ms",
    hint: "A waiting job gains a point of priority each time this has passed",
    least: 1,
    most: 2 ** 48,
    unset: "never",
  },
  depthMax: { label: "Depth", hint: "Jobs that may wait; more are refused", least: 1, most: 1_000_000_000 },
  weight: {
    label: "Weight",
    hint: "Its part of the slots beside other queues, 1–1,000",
    least: 1,
    most: 1_000,
    required: true,
  },
};

export const limitNames = Object.keys(limitFields).filter((name): name is LimitName => name in limitFields);

export function textOf(limits: Limits): LimitText {
  const text = (name: LimitName): string => (limits[name] === null ? "" : String(limits[name]));
  return {
    concurrency: text("concurrency"),
    keyConcurrency: text("keyConcurrency"),
    ratePerSecond: text("ratePerSecond"),
    rateBurst: text("rateBurst"),
    agingMs: text("agingMs"),
    depthMax: text("depthMax"),
    weight: text("weight"),
  };
}

/** What is wrong with a field, with the way out. */
export function problemOf(name: LimitName, text: string): string | undefined {
  const { least, most, fraction = false, required = false } = limitFields[name];
  const typed = text.trim();
  if (typed === "") return required ? `A number from ${least} to ${most.toLocaleString("en-US")} is needed` : undefined;
  const value = Number(typed);
  const right = Number.isFinite(value) && value >= least && value <= most && (fraction || Number.isInteger(value));
  if (right) return undefined;
  return `"${typed}" is no ${fraction ? "" : "whole "}number from ${least} to ${most.toLocaleString("en-US")}`;
}

/** Only what differs: others may have changed the rest meanwhile. Null takes a limit away. */
export function changeOf(limits: Limits, text: LimitText): QueueChange {
  const change: Partial<Record<LimitName, number | null>> = {};
  for (const name of limitNames) {
    const value = text[name].trim() === "" ? null : Number(text[name]);
    if (value !== limits[name]) change[name] = value;
  }
  const { weight, ...rest } = change;
  return { ...rest, ...(weight === undefined || weight === null ? {} : { weight }) };
}

/** The limits that a queue has, in words: `8 at once, 2.5 a second`. */
export function limitWords({ concurrency, keyConcurrency, ratePerSecond, depthMax, weight }: Limits): string {
  const words = [
    concurrency === null ? "" : `${concurrency} at once`,
    keyConcurrency === null ? "" : `${keyConcurrency} of a key`,
    ratePerSecond === null ? "" : `${ratePerSecond} a second`,
    depthMax === null ? "" : `depth ${depthMax.toLocaleString("en-US")}`,
    weight === 1 ? "" : `weight ${weight}`,
  ].filter((word) => word !== "");
  return words.join(", ");
}
