import {
  ProvostError,
  type Listed,
  type ScheduleDetail,
  type ScheduleRun,
  type ScheduleTick,
  type ScheduleView,
} from "@provost/contract";
import {
  limits,
  nextRuns,
  timingFrom,
  timingWords,
  type JobManager,
  type Schedule,
  type Tick,
  type Timing,
} from "@provost/jobs";
import { withoutSecrets } from "../access/audit-line.ts";
import { iso } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import { asked } from "./asked.ts";

export interface ScheduleServiceParts {
  store: Store;
  manager: JobManager;
}

const recentShown = 20;
/** As `every` takes them. */
const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** Recurring jobs (L13): when they come, what came of them, and what people do about them. */
export class ScheduleService {
  readonly #store: Store;
  readonly #manager: JobManager;

  constructor({ store, manager }: ScheduleServiceParts) {
    this.#store = store;
    this.#manager = manager;
  }

  /** By name. */
  async list({ after, limit }: { after?: string | undefined; limit: number }): Promise<Listed<ScheduleView>> {
    const from = after === undefined ? {} : { after };
    const found = await asked(this.#manager.schedules.list({ ...from, limit: limit + 1 }));
    const items = found.slice(0, limit).map(scheduleView);
    const last = items.at(-1);
    return found.length > limit && last !== undefined ? { items, next: last.name } : { items };
  }

  /**
   * @param zone of the local times; that of the rule, or UTC, when left out.
   * @throws ProvostError `schedule_not_found`, `invalid_request` for a zone that is none.
   */
  async get(name: string, { runs, zone }: { runs: number; zone?: string | undefined }): Promise<ScheduleDetail> {
    const schedule = await asked(this.#manager.schedules.get(name));
    const [ticks, now] = await Promise.all([
      this.#manager.schedules.ticks(name, { limit: recentShown }),
      this.#manager.now(),
    ]);
    const timing = timingFrom(schedule.timing);
    const shown = checkedZone(zone ?? zoneOf(timing) ?? "UTC");
    return {
      ...scheduleView(schedule),
      nextRuns: (timing === undefined ? [] : nextRuns(timing, now, runs)).map((at) => ({
        at: iso(at),
        local: localText(at, shown),
      })),
      zone: shown,
      cursors: schedule.cursors.map((cursor) => (cursor === undefined ? null : jsonOf(cursor))),
      recent: ticks.map(tickView),
    };
  }

  /** The scheduler's log, latest due first. @throws ProvostError `schedule_not_found`, `invalid_request`. */
  async ticks(
    name: string,
    query: { shard?: number | undefined; after?: string | undefined; limit: number },
  ): Promise<Listed<ScheduleTick>> {
    const { shard, after, limit } = query;
    const found = await asked(
      this.#manager.schedules.ticks(name, {
        limit: limit + limits.scheduleShardsMax,
        ...(shard === undefined ? {} : { shard }),
        ...(after === undefined ? {} : { before: checkedInstant(after) }),
      }),
    );
    // Pages go on by due time: all shards of an instant stand on one.
    const end = found[limit - 1]?.dueAt ?? -Infinity;
    const ticks = found.filter(({ dueAt }, index) => index < limit || dueAt === end);
    const items = ticks.map(tickView);
    return found.length > ticks.length ? { items, next: String(end) } : { items };
  }

  /** A run now, of all shards or the named ones. @throws ProvostError `schedule_not_found`, `invalid_request`. */
  async run(name: string, shards: readonly number[] | undefined): Promise<ScheduleRun> {
    const fired = await asked(this.#manager.schedules.run(name, shards === undefined ? {} : { shards }));
    await this.#tell("schedule.run", name, { shards: fired });
    return { shards: fired.map((each) => ({ ...each })) };
  }

  /** @throws ProvostError `schedule_not_found`. */
  async pause(name: string): Promise<ScheduleView> {
    await asked(this.#manager.schedules.pause(name));
    await this.#tell("schedule.pause", name, { paused: true });
    return scheduleView(await asked(this.#manager.schedules.get(name)));
  }

  /** @throws ProvostError `schedule_not_found`. */
  async resume(name: string): Promise<ScheduleView> {
    await asked(this.#manager.schedules.resume(name));
    await this.#tell("schedule.resume", name, { paused: false });
    return scheduleView(await asked(this.#manager.schedules.get(name)));
  }

  /** What is done to a schedule is one act of the store; the line about it follows it. */
  async #tell(action: string, name: string, after: object): Promise<void> {
    const at = await this.#store.now();
    await this.#store.write((write) => write.audit({ at, action, target: { name }, after }));
  }
}

function scheduleView(schedule: Schedule): ScheduleView {
  const { name, state, shards, runsMax, missed, queue, lane, priority, timeoutMs, nextDueAt } = schedule;
  const timing = timingFrom(schedule.timing);
  const zone = zoneOf(timing);
  return {
    name,
    state,
    words: timing === undefined ? "by a rule that this version cannot read" : timingWords(timing),
    rule: ruleOf(timing) ?? schedule.timing,
    ...(zone === undefined ? {} : { timeZone: zone }),
    shards,
    overlap: runsMax === 1 ? "skip" : "allow",
    missed,
    queue,
    lane,
    priority,
    timeoutMs,
    ...(nextDueAt === undefined || state !== "active" ? {} : { nextDueAt: iso(nextDueAt) }),
  };
}

function ruleOf(timing: Timing | undefined): string | undefined {
  if (timing === undefined) return undefined;
  if ("cron" in timing) return timing.cron;
  const [unit, size] = units.find(([, each]) => timing.everyMs % each === 0) ?? ["ms", 1];
  return `${timing.everyMs / size}${unit}`;
}

function zoneOf(timing: Timing | undefined): string | undefined {
  return timing !== undefined && "cron" in timing ? timing.timeZone : undefined;
}

function tickView(tick: Tick): ScheduleTick {
  const { shard, dueAt, firedAt, outcome, jobId, startedAt, finishedAt, lagMs, cursorBefore, cursorAfter } = tick;
  return {
    shard,
    dueAt: iso(dueAt),
    firedAt: iso(firedAt),
    outcome,
    ...(jobId === undefined ? {} : { jobId }),
    ...(startedAt === undefined ? {} : { startedAt: iso(startedAt) }),
    ...(finishedAt === undefined ? {} : { finishedAt: iso(finishedAt) }),
    ...(lagMs === undefined ? {} : { lagMs }),
    ...(cursorBefore === undefined ? {} : { cursorBefore: jsonOf(cursorBefore) }),
    ...(cursorAfter === undefined ? {} : { cursorAfter: jsonOf(cursorAfter) }),
  };
}

function jsonOf(text: string): unknown {
  return withoutSecrets(JSON.parse(text));
}

function localText(at: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  const zone = new Intl.DateTimeFormat("en-GB", { timeZone, timeZoneName: "short" })
    .formatToParts(at)
    .find(({ type }) => type === "timeZoneName");
  return `${format.format(at)} ${zone?.value ?? ""}`.trim();
}

function checkedZone(zone: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone === "" ? "UTC" : zone;
  } catch {
    throw new ProvostError(
      "invalid_request",
      `zone is ${JSON.stringify(zone.slice(0, 60))}: give the name of a time zone, like Europe/Berlin or UTC.`,
      { field: "zone" },
    );
  }
}

function checkedInstant(after: string): number {
  if (/^\d{1,15}$/.test(after)) return Number(after);
  throw new ProvostError("invalid_request", `after is ${JSON.stringify(after)}: give \`next\` of the page before.`, {
    field: "after",
  });
}
