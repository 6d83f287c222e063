import { ProvostError, queueChangeSchema, type Listed, type QueueChange, type QueueView } from "@provost/contract";
import type { ConfiguredQueue, JobManager, ManagerSeen, QueueCounts, QueueOptions, QueueSettings } from "@provost/jobs";
import type { Store } from "../storage/store.ts";
import { asked } from "./asked.ts";

export interface QueueServiceParts {
  store: Store;
  manager: JobManager;
}

type Status = keyof QueueCounts["counts"];

/** Queues: how full they are, and what holds them back (L2, L14, L16). The settings are the store's, for every process on every host. */
export class QueueService {
  readonly #store: Store;
  readonly #manager: JobManager;

  constructor({ store, manager }: QueueServiceParts) {
    this.#store = store;
    this.#manager = manager;
  }

  /** By name: those that have jobs that are kept, and those that were ever set. */
  async list({ after, limit }: { after?: string | undefined; limit: number }): Promise<Listed<QueueView>> {
    const all = await this.#all();
    const rest = after === undefined ? all : all.filter(({ name }) => name > after);
    const items = rest.slice(0, limit);
    const last = items.at(-1);
    return rest.length > limit && last !== undefined ? { items, next: last.name } : { items };
  }

  /** @throws ProvostError `queue_not_found`. */
  async get(name: string): Promise<QueueView> {
    const found = (await this.#all()).find((queue) => queue.name === name);
    if (found !== undefined) return found;
    const shown = JSON.stringify(name.slice(0, 80));
    throw new ProvostError(
      "queue_not_found",
      `There is no queue ${shown}: no job that is kept is in it, and it was never set.`,
    );
  }

  /** What runs is left to run. @throws ProvostError `queue_not_found`. */
  pause(name: string): Promise<QueueView> {
    return this.#change(name, "queue.pause", { paused: true });
  }

  /** @throws ProvostError `queue_not_found`. */
  resume(name: string): Promise<QueueView> {
    return this.#change(name, "queue.resume", { paused: false });
  }

  /** Changes what is named; null takes a limit away. @throws ProvostError `queue_not_found`, `invalid_request`. */
  async setLimits(name: string, request: QueueChange): Promise<QueueView> {
    const change = queueChangeSchema.parse(request);
    const { ratePerSecond, rateBurst, agingMs, ...rest } = change;
    const options: QueueOptions = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    if (agingMs !== undefined) options.aging = agingMs;
    if (ratePerSecond !== undefined || rateBurst !== undefined) {
      const now = await this.#manager.queues.get(name);
      const perSecond = ratePerSecond === undefined ? now.ratePerSecond : ratePerSecond;
      const burst = rateBurst === undefined ? now.rateBurst : rateBurst;
      if (perSecond === null && rateBurst !== undefined && rateBurst !== null) {
        throw new ProvostError("invalid_request", "rateBurst is of a rate: give ratePerSecond too.", {
          field: "rateBurst",
        });
      }
      options.rate = perSecond === null ? null : { perSecond, ...(burst === null ? {} : { burst }) };
    }
    return this.#change(name, "queue.set-limits", options);
  }

  /** The settings are one act of the store; the line about them follows it. */
  async #change(name: string, action: string, options: QueueOptions): Promise<QueueView> {
    await this.get(name);
    const before = await this.#manager.queues.get(name);
    const after = await asked(this.#manager.queues.configure(name, options));
    const [was, is] = changed(before, after);
    const at = await this.#store.now();
    await this.#store.write((write) => write.audit({ at, action, target: { name }, before: was, after: is }));
    return this.get(name);
  }

  async #all(): Promise<QueueView[]> {
    const manager = this.#manager;
    const [counts, configured, managers] = await Promise.all([
      manager.counts(),
      manager.queues.list(),
      manager.managers(),
    ]);
    const lines = Map.groupBy(counts, ({ queue }) => queue);
    const names = new Set([...lines.keys(), ...configured.map(({ queue }) => queue)]);
    return [...names].toSorted().map((name) =>
      queueView(
        name,
        lines.get(name) ?? [],
        configured.find(({ queue }) => queue === name),
        managers.filter(({ facts }) => facts?.quiet !== true),
      ),
    );
  }
}

function queueView(
  name: string,
  lines: readonly QueueCounts[],
  settings: ConfiguredQueue | undefined,
  managers: readonly ManagerSeen[],
): QueueView {
  const sum = (status: Status): number => lines.reduce((all, { counts }) => all + counts[status], 0);
  const waits = lines.flatMap(({ oldestWaitMs }) => oldestWaitMs ?? []);
  const claiming = managers.filter((manager) => manager.lines.some(({ queue }) => queue === name));
  const running = sum("in_progress");
  const views = lines.map(({ lane, counts, oldestWaitMs }) => ({
    lane,
    running: counts.in_progress,
    ready: counts.queued,
    delayed: counts.delayed,
    waiting: counts.waiting,
    ...(oldestWaitMs === undefined ? {} : { oldestWaitMs }),
    slots: claiming
      .filter((manager) => manager.lines.some((line) => line.queue === name && line.lane === lane))
      .reduce((all, { facts }) => all + (facts?.slots[lane] ?? 0), 0),
  }));
  const concurrency = settings?.concurrency ?? null;
  const room = concurrency ?? views.reduce((all, { slots }) => all + slots, 0);
  return {
    name,
    paused: settings?.paused ?? false,
    depth: sum("queued") + sum("delayed") + sum("waiting"),
    running,
    ready: sum("queued"),
    delayed: sum("delayed"),
    waiting: sum("waiting"),
    processed: sum("processed"),
    failed: sum("failed"),
    cancelled: sum("cancelled"),
    ...(waits.length === 0 ? {} : { oldestWaitMs: Math.max(...waits) }),
    ...(room === 0 ? {} : { use: Math.min(1, running / room) }),
    processes: claiming.length,
    limits: {
      concurrency,
      keyConcurrency: settings?.keyConcurrency ?? null,
      ratePerSecond: settings?.ratePerSecond ?? null,
      rateBurst: settings?.rateBurst ?? null,
      agingMs: settings?.agingMs ?? null,
      depthMax: settings?.depthMax ?? null,
      weight: settings?.weight ?? 1,
    },
    lanes: views,
  };
}

/** Only what differs: the rest is noise in the audit log. */
function changed(before: QueueSettings, after: QueueSettings): [object, object] {
  const differs = Object.entries(after).filter(([key, value]) => Reflect.get(before, key) !== value);
  return [Object.fromEntries(differs.map(([key]) => [key, Reflect.get(before, key)])), Object.fromEntries(differs)];
}
