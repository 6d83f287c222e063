import {
  jobMoveRequestSchema,
  jobsActedMax,
  ProvostError,
  type JobAction,
  type JobActRequest,
  type JobActResult,
  type JobMoveRequest,
  type JobsActed,
  type JobsActPreview,
  type JobsActPreviewRequest,
  type JobsActRequest,
  type JobStatusName,
} from "@provost/contract";
import type { AmendResult, JobBrief, JobId, JobManager, Tx } from "@provost/jobs";
import type { Store } from "../storage/store.ts";
import { asked } from "./asked.ts";
import { browseQuery } from "./job-filter.ts";
import { notFound } from "./job-service.ts";

export interface JobActsParts {
  store: Store;
  manager: JobManager;
}

/** What is to be done, wherever it came from. */
interface Order {
  action: JobAction;
  queue?: string | undefined;
  priority?: number | undefined;
  descendants?: boolean | undefined;
}

/** Jobs in one transaction: on the embedded store it holds the only writer. */
const chunk = 500;
const sampleMax = 20;
/** Pages of a search for all that fit (L14): each passes up to 10,000 jobs. */
const pagesMax = 50;
const pageJobs = 1_000;

const unfinished: readonly JobStatusName[] = ["waiting", "delayed", "queued", "in_progress"];
/** In which statuses an action can be taken. */
const takenIn: Record<JobAction, readonly JobStatusName[]> = {
  "run-now": ["delayed", "queued"],
  retry: ["failed", "cancelled"],
  cancel: unfinished,
  move: unfinished,
  hold: unfinished,
  unhold: unfinished,
};

/** What people do to jobs (L4, L5, L6, L10), each act in one transaction with its line of the audit log (C15). */
export class JobActs {
  readonly #store: Store;
  readonly #manager: JobManager;

  constructor({ store, manager }: JobActsParts) {
    this.#store = store;
    this.#manager = manager;
  }

  /** @throws ProvostError `job_not_found`, `job_refused` with the reason. */
  async act(
    id: string,
    action: Exclude<JobAction, "move">,
    { descendants }: JobActRequest = {},
  ): Promise<JobActResult> {
    return this.#one(id, { action, descendants });
  }

  /** @throws ProvostError as `act`, and `invalid_request` for a move to nowhere. */
  async move(id: string, request: JobMoveRequest): Promise<JobActResult> {
    const { queue, priority, descendants } = jobMoveRequestSchema.parse(request);
    return this.#one(id, { action: "move", queue, priority, descendants });
  }

  /** How many jobs an action would meet. @throws ProvostError `jobs_empty`, `jobs_too_many`, `invalid_request`. */
  async preview({ filter, ...order }: JobsActPreviewRequest): Promise<JobsActPreview> {
    checkOrder(order);
    const ids = await this.#fitting(order.action, filter, undefined);
    const sample = await this.#manager.briefs(ids.slice(0, sampleMax));
    return {
      count: ids.length,
      through: ids[0] ?? "0",
      sample: sample.map(({ id, name, status }) => ({ id, name, status })),
    };
  }

  /**
   * Acts on all that fit, when they are no more than were confirmed: fewer is what time does, more is a surprise. In batches;
   * what an earlier one has changed stays when a later one cannot go on.
   *
   * @throws ProvostError as `preview`, and `jobs_changed`.
   */
  async actAll({ filter, count, through, ...order }: JobsActRequest): Promise<JobsActed> {
    checkOrder(order);
    const ids = await this.#fitting(order.action, filter, through);
    if (ids.length > count) {
      throw new ProvostError(
        "jobs_changed",
        `${ids.length} jobs fit by now, ${count} were confirmed: nothing was done. Look at the preview again.`,
        { field: "count" },
      );
    }
    const acted = nothingActed();
    for (let from = 0; from < ids.length; from += chunk) {
      add(acted, await this.#some(ids.slice(from, from + chunk), order, filter));
    }
    return acted;
  }

  /** One transaction; where a job makes it impossible, as one whose unique key another has by now, the halves by themselves. */
  async #some(ids: readonly JobId[], order: Order, filter: JobsActRequest["filter"]): Promise<JobsActed> {
    const acted = nothingActed();
    try {
      await this.#apply(ids, order, async (write, results) => {
        for (const result of results) countIn(acted, result);
        const { action, queue, priority } = order;
        await write({ target: { name: `${action} ${ids.length}` }, after: { ...acted, filter, queue, priority } });
      });
      return acted;
    } catch (error) {
      if (!(error instanceof ProvostError) || error.code !== "job_refused") throw error;
      if (ids.length === 1) return { ...nothingActed(), matched: 1, refused: 1, reasons: { "unique-key": 1 } };
      const middle = Math.ceil(ids.length / 2);
      const first = await this.#some(ids.slice(0, middle), order, filter);
      return add(first, await this.#some(ids.slice(middle), order, filter));
    }
  }

  async #one(id: string, order: Order): Promise<JobActResult> {
    checkOrder(order);
    const [before] = await asked(this.#manager.briefs([id]));
    if (before === undefined) throw notFound(id);
    const [result] = await this.#apply([id], order, async (write, [found]) => {
      if (found === undefined || found.state === "refused") throw refused(before, order, found);
      const { queue, priority, descendants } = order;
      await write({
        target: { id, name: before.name },
        before: { status: before.status, queue: before.queue, priority: before.priority },
        after: { state: found.state, queue, priority, descendants: descendants === true ? true : undefined },
      });
    });
    if (result === undefined || result.state === "refused") throw refused(before, order, result);
    return { id, ...result };
  }

  /** In one transaction: the act, and the line about it. */
  async #apply(
    ids: readonly JobId[],
    order: Order,
    tell: (
      write: (line: { target: { id?: string; name: string }; before?: object; after: object }) => Promise<void>,
      results: readonly AmendResult[],
    ) => Promise<void>,
  ): Promise<AmendResult[]> {
    const at = await this.#store.now();
    const act = (): Promise<AmendResult[]> =>
      this.#store.write(async (write) => {
        const results = await this.#amend(ids, order, write.tx, write.by);
        await tell((line) => write.audit({ at, action: `job.${order.action}`, ...line }), results);
        return results;
      });
    return asked(this.#manager.around(ids, act));
  }

  async #amend(ids: readonly JobId[], order: Order, tx: Tx, by: string | undefined): Promise<AmendResult[]> {
    const manager = this.#manager;
    const { action, queue, priority, descendants = false } = order;
    switch (action) {
      case "run-now":
        return manager.runNow(ids, { tx });
      case "retry":
        return manager.retry(ids, { tx });
      case "cancel":
        return manager.cancel(ids, { tx, descendants, ...(by === undefined ? {} : { reason: `cancelled by ${by}` }) });
      case "hold":
        return manager.hold(ids, { tx, descendants });
      case "unhold":
        return manager.unhold(ids, { tx, descendants });
      default: {
        const moved = queue === undefined ? [] : await manager.move(ids, queue, { tx });
        if (priority === undefined) return moved;
        const set = await manager.priority(ids, priority, { tx, descendants });
        // What runs takes another priority, and no other queue: it is told as refused.
        return set.map((result, index) => (moved[index]?.state === "refused" ? moved[index] : result));
      }
    }
  }

  /** All that fit and can take the action, newest first. */
  async #fitting(action: JobAction, filter: JobsActRequest["filter"], through: string | undefined): Promise<JobId[]> {
    const query = browseQuery(filter);
    const statuses = takenIn[action].filter((status) => query.statuses?.includes(status) !== false);
    const ids: JobId[] = [];
    let before = through === undefined ? undefined : String(BigInt(checkedId(through)) + 1n);
    for (let pages = 0; statuses.length > 0; pages += 1) {
      const from = before === undefined ? {} : { before };
      const page = await asked(this.#manager.find({ ...query, statuses, ...from, limit: pageJobs }));
      ids.push(...page.ids);
      if (page.next === undefined) break;
      if (ids.length > jobsActedMax || pages >= pagesMax) {
        throw new ProvostError(
          "jobs_too_many",
          `More than ${jobsActedMax} jobs fit, or they are too many to look through: narrow the filter by queue, name or status.`,
          { field: "filter" },
        );
      }
      before = page.next;
    }
    if (ids.length > 0) return ids;
    throw new ProvostError("jobs_empty", `No job fits that could take ${action}: nothing was done.`);
  }
}

function checkOrder({ action, queue, priority }: Order): void {
  const moves = queue !== undefined || priority !== undefined;
  if (moves === (action === "move")) return;
  throw new ProvostError(
    "invalid_request",
    action === "move"
      ? "A move needs a queue or a priority: give one."
      : `${action} takes neither a queue nor a priority.`,
    { field: "queue" },
  );
}

function checkedId(id: string): string {
  if (/^\d{1,18}$/.test(id)) return id;
  throw new ProvostError("invalid_request", `through is ${JSON.stringify(id)}: give what the preview said.`, {
    field: "through",
  });
}

function refused(job: JobBrief, { action }: Order, result: AmendResult | undefined): ProvostError {
  const status = result?.state === "refused" ? result.status : job.status;
  const why = result?.state === "refused" && result.why !== undefined ? reasons[result.why] : undefined;
  return new ProvostError(
    "job_refused",
    `Job ${job.id} (${job.name}) is ${status.replace("_", " ")} and does not take ${action}${why === undefined ? "" : `: ${why}`}. Its own page, or /v1/jobs/${job.id}/why, says more.`,
  );
}

const reasons: Record<NonNullable<Extract<AmendResult, { state: "refused" }>["why"]>, string> = {
  gate: "its gate is closed, what stands before it must pass first",
  concurrency: "its queue runs as many jobs as it may",
  "key-concurrency": "its key runs as many jobs as it may",
  running: "it runs already",
  final: "it has ended",
  budget: "it has no attempts left",
  held: "it is held by hand, unhold it first",
  "no-gate": "no gate holds it",
};

function nothingActed(): JobsActed {
  return { matched: 0, applied: 0, requested: 0, refused: 0, reasons: {} };
}

function countIn(acted: JobsActed, result: AmendResult): void {
  acted.matched += 1;
  acted[result.state] += 1;
  if (result.state === "refused") addReason(acted, result.why ?? result.status, 1);
}

function add(acted: JobsActed, more: JobsActed): JobsActed {
  for (const key of ["matched", "applied", "requested", "refused"] as const) acted[key] += more[key];
  for (const [reason, count] of Object.entries(more.reasons)) addReason(acted, reason, count);
  return acted;
}

function addReason({ reasons: all }: JobsActed, reason: string, count: number): void {
  all[reason] = (all[reason] ?? 0) + count;
}
