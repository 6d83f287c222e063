import { ProvostError, type Listed, type ProcessDetail, type ProcessView } from "@provost/contract";
import type { JobManager, ManagerAsked, ManagerSeen } from "@provost/jobs";
import { iso } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";

export interface ProcessServiceParts {
  store: Store;
  manager: JobManager;
}

const jobsShown = 200;

/** Who runs the jobs (L15): the job managers on this store, each as it told of itself in the last 30 s. */
export class ProcessService {
  readonly #store: Store;
  readonly #manager: JobManager;

  constructor({ store, manager }: ProcessServiceParts) {
    this.#store = store;
    this.#manager = manager;
  }

  /** By id. */
  async list({ after, limit }: { after?: string | undefined; limit: number }): Promise<Listed<ProcessView>> {
    const [seen, now] = await Promise.all([this.#manager.managers(), this.#manager.now()]);
    const rest = after === undefined ? seen : seen.filter(({ id }) => id > after);
    const items = rest.slice(0, limit).map((each) => processView(each, now));
    const last = items.at(-1);
    return rest.length > limit && last !== undefined ? { items, next: last.id } : { items };
  }

  /** @throws ProvostError `process_not_found`. */
  async get(id: string): Promise<ProcessDetail> {
    const [seen, now, jobs] = await Promise.all([
      this.#seen(id),
      this.#manager.now(),
      this.#manager.claimedBy(id, jobsShown),
    ]);
    return {
      ...processView(seen, now),
      jobs: jobs.map((job) => ({
        id: job.id,
        name: job.name,
        queue: job.queue,
        ...(job.startedAt === undefined ? {} : { startedAt: iso(job.startedAt) }),
      })),
    };
  }

  /** Asks it to take no more jobs, to stop running jobs, or to go on; within 10 s it does. @throws ProvostError `process_not_found`. */
  async ask(id: string, asked: ManagerAsked): Promise<ProcessView> {
    const before = await this.#seen(id);
    if (!(await this.#manager.ask(id, asked))) throw notThere(id);
    const at = await this.#store.now();
    await this.#store.write((write) =>
      write.audit({
        at,
        action: `process.${asked === "run" ? "resume" : asked}`,
        target: { name: id },
        before: { asked: before.asked },
        after: { asked },
      }),
    );
    return processView({ ...before, asked }, at);
  }

  async #seen(id: string): Promise<ManagerSeen> {
    const seen = (await this.#manager.managers()).find((each) => each.id === id);
    if (seen === undefined) throw notThere(id);
    return seen;
  }
}

function notThere(id: string): ProvostError {
  return new ProvostError(
    "process_not_found",
    `No process ${JSON.stringify(id.slice(0, 120))} has told of itself in the last 30 s: it has stopped, or cannot reach the database.`,
  );
}

function processView(seen: ManagerSeen, now: number): ProcessView {
  const { id, names, lines, startedAt, seenAt, facts, leads } = seen;
  const [host = id, pid] = id.split(":");
  const none = { short: 0, long: 0 };
  return {
    id,
    host: facts?.host ?? host,
    pid: facts?.pid ?? (Number(pid) || 0),
    state: stateOf(seen),
    startedAt: iso(startedAt),
    seenAt: iso(seenAt),
    leaseAgeMs: Math.max(0, now - seenAt),
    ...(facts === undefined ? {} : { rssBytes: facts.rssBytes }),
    leader: leads,
    slots: facts?.slots ?? none,
    running: facts?.running ?? none,
    names,
    lines,
  };
}

function stateOf({ asked, facts }: ManagerSeen): ProcessView["state"] {
  if (asked === "stop") return "stopping";
  if (asked === "run") return "running";
  return facts?.quiet === true ? "quiet" : "quieting";
}
