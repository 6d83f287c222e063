import { CallRunner } from "./api/call-runner.ts";
import { Faults } from "./api/faults.ts";
import { Latency } from "./api/latency.ts";
import { RateLimiter } from "./api/rate-limiter.ts";
import { Backups } from "./backups/backups.ts";
import { AccountClock } from "./clock/account-clock.ts";
import { Random } from "./clock/random.ts";
import { TimerHeap } from "./clock/timer-heap.ts";
import { LinodeApiError, SandboxError } from "./errors.ts";
import { EventLog } from "./events/event-log.ts";
import { CallbackClient } from "./first-boot/callback-client.ts";
import { ConsoleLog } from "./first-boot/console-log.ts";
import { Images } from "./images/images.ts";
import { Cloud } from "./instances/cloud.ts";
import { Lifecycle } from "./instances/lifecycle.ts";
import { Population } from "./instances/population.ts";
import { InstanceStore } from "./instances/store.ts";
import { timingsFor } from "./instances/timings.ts";
import type { SandboxSettings } from "./options.ts";
import type { NextIds, SavedState } from "./state/saved-state.ts";
import { StateFile } from "./state/state-file.ts";
import { memoryOnly, type StateSink } from "./state/state-sink.ts";
import { Counters } from "./stats.ts";

/** A report that nobody accepts is tried for ten minutes, as the real first-boot service does (C6). */
const CALLBACK_RETRY_FOR_MS = 600_000;

/** The account and what acts on it, without its HTTP face. Throws `sandbox_state_unusable`. */
export function assemble(settings: SandboxSettings) {
  const { clock, seed, instanceLimit } = settings;
  const time = new AccountClock(clock, settings.clockOffsetMs);
  const counters = new Counters();
  const log = new ConsoleLog();
  const store = new InstanceStore();
  const nextIds = (): NextIds => ({ instance: store.nextId, event: events.nextId, image: images.nextId });
  const { state, saved } = openState(settings, nextIds);
  const events = new EventLog(time, state);
  // A stream of randomness for each use: a fault that is drawn for does not change how long the boots take.
  const faults = new Faults(new Random(seed), clock);
  const latency = new Latency(clock, new Random(seed + 1), settings.latency);
  const chores = new TimerHeap<() => void>(clock, (act) => act());
  const timings = timingsFor(settings.bootMs, settings.callbackRetryMs, CALLBACK_RETRY_FOR_MS);
  const callbacks = new CallbackClient(settings.callbackConcurrency);
  const shared = { clock, time, random: new Random(seed + 2), chores, store, events, faults, state, counters };
  const lifecycle = new Lifecycle({
    ...shared,
    timings,
    console: log,
    post: (url, token, body) => callbacks.post(url, token, body),
    callbackConcurrency: settings.callbackConcurrency,
  });
  const images = new Images({ ...shared, imageMs: timings.imageMs });
  const backups = new Backups({ ...shared, lifecycle, snapshotMs: timings.snapshotMs });
  const cloud = new Cloud({ ...shared, lifecycle, console: log, instanceLimit });
  const findImage = (id: string) => images.find(id);
  const population = new Population({ ...shared, lifecycle, random: new Random(seed + 3), findImage, instanceLimit });
  const rateLimiter =
    settings.rateLimitScale === undefined ? undefined : new RateLimiter(clock, settings.rateLimitScale);
  const calls = new CallRunner({ latency, faults, counters, state, rateLimiter });
  const closers = [latency, chores, lifecycle, callbacks];
  return { ...shared, console: log, lifecycle, images, backups, cloud, population, calls, closers, saved };
}

export type Assembly = ReturnType<typeof assemble>;

/** Fills the account: from its state file, then as the options say. Throws `sandbox_option_invalid`. */
export function fill({ saved, ...account }: Assembly, settings: SandboxSettings): void {
  const { store, events, images, counters, faults, population } = account;
  if (saved !== undefined) {
    store.restore(saved.records, saved.nextIds.instance);
    events.restore(saved.events, saved.nextIds.event);
    // A file that never kept an image number is a fresh one, or of a version without images: it has the golden one.
    if (saved.nextIds.image > 0) images.restore(saved.images, saved.nextIds.image);
    counters.restore(saved.createsByLabel);
  }
  for (const fault of settings.faults) faults.add(fault);
  if (settings.populate === undefined || store.all.length > 0) return;
  try {
    population.populate(settings.populate);
  } catch (error) {
    if (!(error instanceof LinodeApiError)) throw error;
    throw new SandboxError("sandbox_option_invalid", `populate: ${error.message}`, { cause: error });
  }
}

/** What was under way when the state was kept goes on. */
export function resume({ store, lifecycle, backups }: Assembly): void {
  for (const record of store.all) {
    lifecycle.resume(record);
    backups.resume(record);
  }
}

function openState(
  { stateFile }: SandboxSettings,
  nextIds: () => NextIds,
): { state: StateSink; saved: SavedState | undefined } {
  if (stateFile === undefined) return { state: memoryOnly, saved: undefined };
  const { file, saved } = StateFile.open(stateFile, nextIds);
  return { state: file, saved };
}
