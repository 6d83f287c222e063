import { checkedInteger } from "../core/bounds.ts";
import { durationMs, type Duration } from "../core/duration.ts";
import { JobsError } from "../core/errors.ts";
import type { Lane } from "../core/job.ts";
import { defaults } from "../core/limits.ts";
import type { JobDefinition } from "../core/request.ts";
import { shown } from "../core/shown.ts";
import { poolSettingsOf, type PoolOptions, type PoolSettings } from "../processes/options.ts";
import type { Kept } from "../transporters/keeping.ts";
import type { Transporter } from "../transporters/transporter.ts";
import { systemClock, type Clock } from "./clock.ts";
import { guarded, type Log } from "./events.ts";
import type { OnStuck } from "./lease-protocol.ts";

/** What a manager is made of; every part but `transporter` has a default. */
export interface JobManagerOptions {
  /** Where the jobs live. Started with the manager; whoever made it stops it, after the manager. */
  transporter: Transporter;
  /** The jobs this manager runs; none for a manager that only enqueues. */
  jobs?: readonly JobDefinition[];
  /** How many jobs of a lane run at once (L8): 64 short and 8 long by default. 0: none of that lane. */
  slots?: Partial<Record<Lane, number>>;
  /** The pools in which `thread` and `process` jobs run (L9). */
  processes?: { thread?: PoolOptions; process?: PoolOptions };
  /** How long a killed manager's jobs stay with it; 10 s by default (L9). */
  lease?: Duration;
  /** The net under lost hints; 1 s by default. */
  poll?: Duration;
  /** What running jobs get to end by themselves at `stop()`; 10 s by default. */
  stopGrace?: Duration;
  /** What a handler gets to end after its abort; 5 s by default. */
  abortGrace?: Duration;
  /**
   * What to do about an inline job that does not end after its timeout (or cancel) and the grace: `"report"` (the default:
   * it keeps its slot and lease) or `"exit"`: end this process with all it runs, for whoever starts it to start it again (L9).
   */
  onStuck?: OnStuck;
  /**
   * How long what has ended is kept (L17): processed jobs and flows 1 day, failed and cancelled ones 7 days by default. The managers
   * of one store should agree: the shortest time counts.
   */
  keep?: { processed?: Duration; failed?: Duration };
  /** Where the managers of this host meet for semaphores and memory of the scope `host` (L12): a folder of this user's own by default. */
  hostFolder?: string;
  /** Told what happens; never an input, result or key. Must not throw. */
  log?: Log;
  /** For tests. */
  clock?: Clock;
  /** For tests: jitter, 0 ≤ x < 1. */
  random?: () => number;
}

export interface ManagerSettings {
  slots: Record<Lane, number>;
  pools: { thread: PoolSettings; process: PoolSettings };
  leaseMs: number;
  pollMs: number;
  stopGraceMs: number;
  abortGraceMs: number;
  onStuck: OnStuck;
  /** How long an end is kept for a store that is away. The fence makes it safe past the lease (L3). */
  settleKeptMs: number;
  rescueEveryMs: number;
  /** How long a leader that has died keeps the seat. */
  seatMs: number;
  kept: Kept;
  hostFolder: string | undefined;
  clock: Clock;
  random: () => number;
  log: Log;
}

/** One host's loop holds thousands of inline jobs that wait for I/O; beyond this, more managers serve better. */
const slotsMax = 100_000;
const leaseMsMin = 100;
const leaseMsMax = 3_600_000;
const seatMsMin = 500;

/** @throws JobsError `invalid_options` with the value that is out of bounds. */
export function settingsOf(options: JobManagerOptions): ManagerSettings {
  if (typeof options.transporter?.claim !== "function") {
    throw new JobsError("invalid_options", "transporter is missing: give the Transporter that holds the jobs");
  }
  const slots = (lane: Lane, byDefault: number): number =>
    checkedInteger(options.slots?.[lane] ?? byDefault, `slots.${lane}`, 0, slotsMax, "invalid_options");
  const lease = durationMs(options.lease ?? defaults.leaseMs, "lease");
  const leaseMs = checkedInteger(lease, "lease (ms)", leaseMsMin, leaseMsMax, "invalid_options");
  return {
    slots: { short: slots("short", 64), long: slots("long", 8) },
    pools: {
      thread: poolSettingsOf(options.processes?.thread, "processes.thread"),
      process: poolSettingsOf(options.processes?.process, "processes.process"),
    },
    leaseMs,
    pollMs: Math.max(10, durationMs(options.poll ?? 1_000, "poll")),
    stopGraceMs: durationMs(options.stopGrace ?? 10_000, "stopGrace"),
    abortGraceMs: durationMs(options.abortGrace ?? 5_000, "abortGrace"),
    onStuck: checkedOnStuck(options.onStuck ?? "report"),
    settleKeptMs: leaseMs * 6,
    // With the lease of 10 s a killed manager's jobs are back after 12.5 s at most (L9: 15 s).
    rescueEveryMs: leaseMs / 4,
    // No longer than the leader's rounds: the worst case stays 12.5 s when it is the leader that dies. Below half a second it would
    // be elected anew with every hiccup.
    seatMs: Math.max(seatMsMin, leaseMs / 4),
    kept: {
      processedMs: durationMs(options.keep?.processed ?? defaults.keptMs.processed, "keep.processed"),
      badMs: durationMs(options.keep?.failed ?? defaults.keptMs.failed, "keep.failed"),
    },
    hostFolder: options.hostFolder,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    log: guarded(options.log),
  };
}

function checkedOnStuck(value: unknown): OnStuck {
  if (value === "report" || value === "exit") return value;
  throw new JobsError("invalid_options", `onStuck is ${shown(value)}: give "report" or "exit"`);
}
