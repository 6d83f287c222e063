/**
 * What the proofs of the job manager (`npm run prove:*`) share: typed arguments with `--help`, checks that are printed as they are
 * made, a bound on the whole, and an exit code that is 0 only when every check held and no store was left out.
 */
import { parseArgs } from "node:util";
import { postgresMissing } from "@provost/jobs/testing/postgres";

export type StoreKind = "SQLite" | "PostgreSQL";

/** A proof that could not be run to its end. */
export class ProofError extends Error {
  override readonly name = "ProofError";
  readonly code: "bad_argument" | "enqueuer_failed" | "not_ended";

  constructor(code: ProofError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export interface ProofSettings<Name extends string> {
  /** As in `prove:<name>`. */
  name: string;
  /** What it shows, for `--help`. */
  about: string;
  /** What can be asked for, with what is taken when it is not. */
  numbers: Readonly<Record<Name, { value: number; about: string }>>;
  /** Bounds the run of all stores together; `--minutes` gives another. */
  minutesMax: number;
}

/** What a proof has on one store. */
export interface Ground<Name extends string> {
  kind: StoreKind;
  numbers: Readonly<Record<Name, number>>;
  /** Prints a line of figures. */
  say: (figures: string) => void;
  /** Prints what was looked at, with its figures, and fails the proof unless it holds. */
  check: (holds: boolean, what: string) => void;
}

interface Asked<Name extends string> {
  numbers: Record<Name, number>;
  minutes: number;
  kinds: StoreKind[];
}

const exitCodes = { held: 0, failed: 1, badArgument: 2 } as const;

/** Runs a proof on each store that was asked for, both by default, and ends the process. */
export async function prove<Name extends string>(
  settings: ProofSettings<Name>,
  onStore: (ground: Ground<Name>) => Promise<void>,
): Promise<never> {
  const { numbers, minutes, kinds } = askedOrEnd(settings);
  const since = performance.now();
  let checks = 0;
  let failed = 0;
  const check = (kind: string, holds: boolean, what: string): void => {
    checks += 1;
    if (!holds) failed += 1;
    console.log(`${holds ? "✓" : "✗"} ${kind}: ${what}`);
  };
  const end = (): never => {
    const verdict = failed === 0 && checks > 0 ? "holds" : "DOES NOT HOLD";
    const seconds = Math.round((performance.now() - since) / 1_000);
    console.log(`prove:${settings.name} ${verdict}: ${checks - failed} of ${checks} checks, ${seconds} s`);
    process.exit(verdict === "holds" ? exitCodes.held : exitCodes.failed);
  };
  // Ends by the exit: what `onThrowawayStore` made goes with it, servers and forked processes end without their parent.
  setTimeout(() => {
    check("bound", false, `not over after ${minutes} minutes (--minutes)`);
    end();
  }, minutes * 60_000).unref();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(exitCodes.failed));
  for (const kind of kinds) {
    const missing = kind === "PostgreSQL" ? postgresMissing() : undefined;
    if (missing !== undefined) {
      check(kind, false, `was not tried: ${missing}`);
      continue;
    }
    try {
      await onStore({
        kind,
        numbers,
        say: (figures) => console.log(`  ${kind}: ${figures}`),
        check: (holds, what) => check(kind, holds, what),
      });
    } catch (error) {
      console.error(error);
      check(kind, false, `could not be run to its end: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return end();
}

function askedOrEnd<Name extends string>(settings: ProofSettings<Name>): Asked<Name> {
  const names = Object.keys(settings.numbers) as Name[];
  const options = Object.fromEntries([...names, "minutes", "store"].map((name) => [name, { type: "string" as const }]));
  try {
    const parsed = parseArgs({ options: { ...options, help: { type: "boolean" } } });
    const values: Record<string, unknown> = parsed.values;
    if (values["help"] === true) {
      console.log(usage(settings));
      return process.exit(exitCodes.held);
    }
    const given = (name: string, byDefault: number): number => numberOf(name, values[name] ?? String(byDefault));
    return {
      numbers: Object.fromEntries(names.map((name) => [name, given(name, settings.numbers[name].value)])) as Record<
        Name,
        number
      >,
      minutes: given("minutes", settings.minutesMax),
      kinds: kindsOf(values["store"] ?? "both"),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage(settings)}`);
    return process.exit(exitCodes.badArgument);
  }
}

function numberOf(name: string, text: unknown): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new ProofError("bad_argument", `--${name} is ${JSON.stringify(text)}: give a number, 0 or more`);
}

function kindsOf(text: unknown): StoreKind[] {
  if (text === "both") return ["SQLite", "PostgreSQL"];
  if (text === "sqlite") return ["SQLite"];
  if (text === "postgres") return ["PostgreSQL"];
  throw new ProofError("bad_argument", `--store is ${JSON.stringify(text)}: give sqlite, postgres or both`);
}

function usage({ name, about, numbers, minutesMax }: ProofSettings<string>): string {
  const lines = [
    ...Object.entries(numbers).map(([option, { value, about: what }]) => [`--${option} ${value}`, what]),
    ["--store both", "sqlite, postgres or both"],
    [`--minutes ${minutesMax}`, "it fails and ends when it is not over by then"],
  ];
  const listed = lines.map(([option = "", what]) => `  ${option.padEnd(22)} ${what}`).join("\n");
  return `npm run prove:${name} [-- options, here with their defaults]\n${about}\n${listed}`;
}

/** The value below which a part (0 to 1) of the values lies; 0 for none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
