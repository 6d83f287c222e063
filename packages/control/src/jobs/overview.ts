import { overviewMinutes, type JobsOverview, type OverviewMinute, type QueueLoad } from "@provost/contract";
import { Histogram, type JobManager, type MinuteLevel, type MinuteRow, type QueueCounts } from "@provost/jobs";
import { iso } from "../storage/rows.ts";

const minuteMs = 60_000;
/** Managers hand their minutes over within 5 s of the end: older ones are read once. */
const openMinutes = 3;
const queuesShown = 50;
const namesShown = 10;

/** What ended, added up. */
class Ends {
  processed = 0;
  failed = 0;
  cancelled = 0;
  retried = 0;

  add({ processed, failed, cancelled, retried }: Omit<Ends, "add" | "all">): void {
    this.processed += processed;
    this.failed += failed;
    this.cancelled += cancelled;
    this.retried += retried;
  }

  get all(): number {
    return this.processed + this.failed + this.cancelled;
  }
}

/** One minute, all managers together. */
interface Minute {
  ends: Ends;
  waits: Histogram;
  runs: Histogram;
  byQueue: Map<string, Ends>;
  byName: Map<string, Ends>;
  ready: number | undefined;
}

type Lines = { rows: MinuteRow[]; levels: MinuteLevel[] };

/**
 * The figures of the last hour (L15), from kept counters and from the managers' minutes: none of it looks at jobs, whatever their number, but for
 * the oldest wait. Minutes that are over are kept here, so that a look reads three of them.
 */
export class Overview {
  readonly #manager: JobManager;
  #closed = new Map<number, Minute>();

  constructor(manager: JobManager) {
    this.#manager = manager;
  }

  async now(): Promise<JobsOverview> {
    const manager = this.#manager;
    const now = await manager.now();
    const [counts, queues, managers, minutes] = await Promise.all([
      manager.counts(),
      manager.queues.list(),
      manager.managers(),
      this.#minutes(Math.floor(now / minuteMs) * minuteMs),
    ]);
    const sum = (status: "in_progress" | "queued" | "delayed" | "waiting"): number =>
      counts.reduce((all, line) => all + line.counts[status], 0);
    const paused = new Set(queues.flatMap((each) => (each.paused ? each.queue : [])));
    const ready = sum("queued");
    const ends = hour(minutes);
    const oldest = counts
      .filter(({ oldestWaitMs }) => oldestWaitMs !== undefined)
      .toSorted((a, b) => (b.oldestWaitMs ?? 0) - (a.oldestWaitMs ?? 0))[0];
    return {
      at: iso(now),
      running: sum("in_progress"),
      ready,
      delayed: sum("delayed"),
      waiting: sum("waiting"),
      failedLastHour: ends.ends.failed,
      perMinute: minutes.at(-2)?.[1].ends.all ?? 0,
      ...(oldest?.oldestWaitMs === undefined
        ? {}
        : { oldestWait: { queue: oldest.queue, lane: oldest.lane, ms: oldest.oldestWaitMs } }),
      processes: managers.length,
      queues: loads(counts, ends.byQueue, paused),
      failing: failing(ends.byName),
      minutes: minutes.map(([at, minute], index) =>
        minuteView(at, minute, index === minutes.length - 1 ? ready : minute.ready),
      ),
    };
  }

  /** The last hour, the minute under way last. */
  async #minutes(current: number): Promise<[number, Minute][]> {
    const first = current - (overviewMinutes - 1) * minuteMs;
    let from = current - (openMinutes - 1) * minuteMs;
    for (let at = first; at < from; at += minuteMs) if (!this.#closed.has(at)) from = at;
    const read = byMinute(await this.#manager.minutes(from));
    const all: [number, Minute][] = [];
    const closed = new Map<number, Minute>();
    for (let at = first; at <= current; at += minuteMs) {
      const minute = (at < from ? this.#closed.get(at) : read.get(at)) ?? emptyMinute();
      all.push([at, minute]);
      if (at <= current - openMinutes * minuteMs) closed.set(at, minute);
    }
    this.#closed = closed;
    return all;
  }
}

function byMinute({ rows, levels }: Lines): Map<number, Minute> {
  const minutes = new Map<number, Minute>();
  const minuteOf = (at: number): Minute => {
    const found = minutes.get(at) ?? emptyMinute();
    minutes.set(at, found);
    return found;
  };
  for (const row of rows) {
    const minute = minuteOf(row.minute);
    minute.ends.add(row);
    addTo(minute.byQueue, row.queue, row);
    addTo(minute.byName, row.name, row);
    minute.waits.addText(row.waits);
    minute.runs.addText(row.runs);
  }
  for (const { minute, queued } of levels) minuteOf(minute).ready = queued;
  return minutes;
}

function emptyMinute(): Minute {
  return {
    ends: new Ends(),
    waits: new Histogram(),
    runs: new Histogram(),
    byQueue: new Map(),
    byName: new Map(),
    ready: undefined,
  };
}

function addTo(map: Map<string, Ends>, key: string, ends: Omit<Ends, "add" | "all">): void {
  const found = map.get(key) ?? new Ends();
  map.set(key, found);
  found.add(ends);
}

function hour(minutes: readonly [number, Minute][]): Pick<Minute, "ends" | "byQueue" | "byName"> {
  const all = emptyMinute();
  for (const [, minute] of minutes) {
    all.ends.add(minute.ends);
    for (const [queue, ends] of minute.byQueue) addTo(all.byQueue, queue, ends);
    for (const [name, ends] of minute.byName) addTo(all.byName, name, ends);
  }
  return all;
}

/** Absent where nothing was counted. */
function told(key: string, ms: number | undefined): object {
  return ms === undefined ? {} : { [key]: Math.round(ms) };
}

function minuteView(at: number, { ends, waits, runs }: Minute, backlog: number | undefined): OverviewMinute {
  const { processed, failed, cancelled, retried } = ends;
  return {
    at: iso(at),
    processed,
    failed,
    cancelled,
    retried,
    ...told("waitP50Ms", waits.quantile(0.5)),
    ...told("waitP95Ms", waits.quantile(0.95)),
    ...told("runP95Ms", runs.quantile(0.95)),
    ...(backlog === undefined ? {} : { backlog }),
  };
}

function loads(
  counts: readonly QueueCounts[],
  ended: ReadonlyMap<string, Ends>,
  paused: ReadonlySet<string>,
): QueueLoad[] {
  const loaded = [...Map.groupBy(counts, ({ queue }) => queue)].map(([queue, lines]): QueueLoad => {
    const sum = (status: "in_progress" | "queued" | "delayed" | "waiting"): number =>
      lines.reduce((all, line) => all + line.counts[status], 0);
    const waits = lines.flatMap(({ oldestWaitMs }) => oldestWaitMs ?? []);
    const { processed, failed, cancelled } = ended.get(queue) ?? new Ends();
    return {
      queue,
      running: sum("in_progress"),
      ready: sum("queued"),
      delayed: sum("delayed"),
      waiting: sum("waiting"),
      processed,
      failed,
      cancelled,
      ...(waits.length === 0 ? {} : { oldestWaitMs: Math.max(...waits) }),
      paused: paused.has(queue),
    };
  });
  return loaded.toSorted((a, b) => load(b) - load(a) || (a.queue < b.queue ? -1 : 1)).slice(0, queuesShown);
}

function load({ ready, running }: QueueLoad): number {
  return ready + running;
}

function failing(byName: ReadonlyMap<string, Ends>): JobsOverview["failing"] {
  return [...byName]
    .filter(([, { failed, retried }]) => failed + retried > 0)
    .toSorted(([a, one], [b, other]) => other.failed - one.failed || other.retried - one.retried || (a < b ? -1 : 1))
    .slice(0, namesShown)
    .map(([name, { failed, retried, processed }]) => ({ name, failed, retried, processed }));
}
