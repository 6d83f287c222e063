import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkedInteger } from "./bounds.ts";
import type { JobContext } from "./context.ts";
import { defineJob, type JobOfDefinition } from "./definition.ts";
import { Directive } from "./directive.ts";
import { JobsError } from "./errors.ts";
import { limits } from "./limits.ts";
import { payloadJson } from "./payload.ts";
import type { JobDefinition } from "./request.ts";
import { shown } from "./shown.ts";
import type { MissedPolicy } from "./tick-plan.ts";
import { timingOf, type Timing, type TimingOptions } from "./timing.ts";

/** What `defineSchedule` makes: a job whose runs the clock enqueues. It goes into the manager's `jobs`. */
export interface ScheduleDefinition<Cursor = unknown> extends JobDefinition<never, Cursor> {
  readonly schedule: ScheduleRules;
}

/** The rules of a schedule, checked. */
export interface ScheduleRules {
  readonly timing: Timing;
  readonly shards: number;
  /** Unfinished runs of one shard at most. */
  readonly runsMax: number;
  readonly missed: MissedPolicy;
}

/** All that a job takes but what makes no sense for a run: the clock gives the input, and there is one attempt (L13). */
type RunOptions = Omit<
  JobOfDefinition<StandardSchemaV1, unknown>,
  "input" | "attempts" | "backoff" | "decay" | "limitKey" | "run"
>;

/** What `defineSchedule` takes besides the name, the first cursor and `run`. */
export interface ScheduleOptions extends TimingOptions, RunOptions {
  /** Parallel lines of runs, each with a cursor of its own; 1 by default, at most `limits.scheduleShardsMax`. */
  shards?: number;
  /** When a shard's last run has not ended at its next tick: `skip` that tick (default), or `allow` both. */
  overlap?: "skip" | "allow";
  /** Ticks that came while no manager was there to fire them: `skip` (default), or run `once` for all of them. */
  missed?: MissedPolicy;
}

/** What a run gets. There is no `release`: a run has one attempt, and the next tick is its retry. */
export interface ScheduleContext<Cursor> extends Omit<
  JobContext<never>,
  "input" | "attempt" | "attemptsLeft" | "release" | "flowFailure" | "flowId" | "resultsOf"
> {
  /** What the shard's last processed run returned, as it stood when this tick was fired; before the first, `first`. */
  readonly cursor: Cursor;
  /** From 0, of `shards`. */
  readonly shard: number;
  readonly shards: number;
  /** The instant this run was due, by the store's clock: not the one it started at. */
  readonly due: Date;
}

/** The next cursor, JSON of at most `limits.cursorBytesMax`; `undefined` leaves it as it was. */
type Next<Cursor> = Cursor | undefined | void | Directive;

/** How a tick's job is told what it is; made by the store. */
export interface TickInput {
  shard: number;
  shards: number;
  due: number;
  cursor?: unknown;
}

/**
 * Defines a schedule (L13): each tick is a job of this name with one attempt. What `run` returns is the cursor of the next
 * run, committed with the run's end; when it throws, the cursor stays and the next tick comes on time.
 *
 * @throws JobsError `invalid_definition` or `invalid_options` with the value that is out of bounds.
 */
export function defineSchedule<Cursor>(
  name: string,
  options: ScheduleOptions & {
    /** The cursor of a shard's first run. */
    first: Cursor;
    run: (context: ScheduleContext<NoInfer<Cursor>>) => Next<NoInfer<Cursor>> | Promise<Next<NoInfer<Cursor>>>;
  },
): ScheduleDefinition<Cursor>;
export function defineSchedule<Cursor = unknown>(
  name: string,
  options: ScheduleOptions & {
    first?: undefined;
    run: (context: ScheduleContext<Cursor | undefined>) => Next<Cursor> | Promise<Next<Cursor>>;
  },
): ScheduleDefinition<Cursor>;
export function defineSchedule(
  name: string,
  options: ScheduleOptions & { first?: unknown; run: (context: ScheduleContext<unknown>) => unknown },
): ScheduleDefinition {
  const { every, cron, timeZone, shards, overlap, missed, first, run, ...job } = options;
  const what = `schedule ${shown(name)}`;
  if (typeof run !== "function") throw new JobsError("invalid_definition", `${what} has no run(): give it a function`);
  const schedule: ScheduleRules = {
    timing: timingOf(
      {
        ...(every === undefined ? {} : { every }),
        ...(cron === undefined ? {} : { cron }),
        ...(timeZone === undefined ? {} : { timeZone }),
      },
      what,
    ),
    shards: checkedInteger(shards ?? 1, `shards of ${what}`, 1, limits.scheduleShardsMax, "invalid_definition"),
    runsMax: oneOf(overlap ?? "skip", ["skip", "allow"], `overlap of ${what}`) === "skip" ? 1 : limits.overlapRunsMax,
    missed: oneOf(missed ?? "skip", ["skip", "once"], `missed of ${what}`),
  };
  const definition = defineJob(name, {
    ...job,
    attempts: 1,
    input: tickInput,
    run: async (context: JobContext<TickInput>) => checkedCursor(await run(contextOf(context, first)), what),
  });
  return Object.freeze({ ...definition, schedule });
}

export function isSchedule(job: JobDefinition): job is JobDefinition & ScheduleDefinition {
  return "schedule" in job;
}

/** The clock's input is the store's making: what else comes was enqueued by hand, past the types. */
const tickInput: StandardSchemaV1<TickInput, TickInput> = {
  "~standard": {
    version: 1,
    vendor: "provost",
    validate: (value) =>
      isTickInput(value)
        ? { value }
        : {
            issues: [{ message: "is no tick: a schedule's runs are enqueued by its clock, or by schedules.run(name)" }],
          },
  },
};

function isTickInput(value: unknown): value is TickInput {
  return (
    typeof value === "object" &&
    value !== null &&
    "shard" in value &&
    typeof value.shard === "number" &&
    "shards" in value &&
    typeof value.shards === "number" &&
    "due" in value &&
    typeof value.due === "number"
  );
}

function contextOf(context: JobContext<TickInput>, first: unknown): ScheduleContext<unknown> {
  const {
    input,
    attempt: _attempt,
    attemptsLeft: _left,
    release: _release,
    flowFailure: _flow,
    flowId: _id,
    resultsOf: _results,
    ...rest
  } = context;
  const { shard, shards, due } = input;
  return { ...rest, cursor: "cursor" in input ? input.cursor : first, shard, shards, due: new Date(due) };
}

/** Before it is handed on: every later run and every line of the log carries it. */
function checkedCursor(returned: unknown, what: string): unknown {
  if (returned === undefined || returned instanceof Directive) return returned;
  const bytes = Buffer.byteLength(payloadJson(returned, `cursor of ${what}`, "handler_failed"));
  if (bytes <= limits.cursorBytesMax) return returned;
  throw new JobsError(
    "payload_too_large",
    `the cursor of ${what} has ${bytes} bytes of JSON; at most ${limits.cursorBytesMax} (limits.cursorBytesMax): ` +
      "keep the data elsewhere and hand on a reference to it",
  );
}

function oneOf<T extends string>(value: T, allowed: readonly T[], what: string): T {
  if (allowed.includes(value)) return value;
  throw new JobsError(
    "invalid_definition",
    `${what} is ${shown(value)}: give ${allowed.map((each) => `"${each}"`).join(" or ")}`,
  );
}
