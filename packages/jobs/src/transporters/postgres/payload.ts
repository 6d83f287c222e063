import { JobsError } from "../../core/errors.ts";
import type { Enqueued, NewFlow, NewItem, NewJob } from "../transporter.ts";
import { checkItems } from "../bounds.ts";
import { isPlainJob, Shapes, statementCharsMax } from "./shapes.ts";

/** Queues in which these jobs alone become ready at once. */
export function readyQueuesOf(items: readonly NewItem[]): Set<string> {
  const queues = new Set<string>();
  for (const item of items) if ("job" in item && item.job.delayMs <= 0) queues.add(item.job.queue);
  return queues;
}

/** One job as `enqueue` reads it; `n`, `flow`, `parent`, `stage` are places in the array of new ids, from 1. */
interface JobLine {
  item: number;
  n: number;
  flow?: number;
  parent?: number;
  stage?: number;
  position?: number;
  children?: boolean;
  waits: boolean;
  name: string;
  queue: string;
  lane: string;
  input: string;
  priority: number;
  attempts: number;
  timeout: number;
  delay: number;
  key?: string;
  wake?: string;
  limitKey?: string;
}

interface FlowLine {
  item: number;
  n: number;
  failed?: number;
  key?: string;
}

interface StageLine {
  item: number;
  n: number;
  flow: number;
  parent?: number;
  position: number;
  size: number;
  policy: string;
  open: boolean;
}

/** `whole`: a clash makes the item existing. `flow`: held by the flow and not by a job. */
interface KeyLine {
  item: number;
  n: number;
  key: string;
  whole: boolean;
  flow: boolean;
  /** ms that the key outlives its holder by (L17). */
  kept?: number;
  /** What a clash does besides being told. */
  clash?: "reject" | "replace";
}

/** Where an item's ids stand among the new ones. */
interface Place {
  flow?: number;
  first: number;
  count: number;
}

/** A job alone, with nothing that another item could clash with or wait for. */
export function isPlain(item: NewItem): item is { job: NewJob } {
  return "job" in item && isPlainJob(item.job);
}

/**
 * Such jobs laid out for the function `enqueue_plain`; undefined when hardly two of them are of one shape.
 */
export function plainValues(
  items: readonly NewItem[],
): [inputs: string, shapeOf: number[] | null, shapes: string] | undefined {
  const shapes = new Shapes();
  return items.every((item) => "job" in item && shapes.add(item.job)) ? shapes.values : undefined;
}

/** Statements that add; `hinting`: with the channel and payload of a NOTIFY as their last values. */
export type EnqueueTexts = Record<"one" | "plain" | "flows", { alone: string; hinting: string }>;

export function enqueueTexts(schema: string): EnqueueTexts {
  const calling = (name: string, count: number) => {
    const given = Array.from({ length: count }, (_, index) => `$${index + 1}`).join(", ");
    const call = `${schema}.${name}(${given}) e(ids)`;
    return {
      alone: `SELECT e.ids FROM ${call}`,
      hinting: `SELECT e.ids, pg_notify($${count + 1}, $${count + 2}) FROM ${call}`,
    };
  };
  return { one: calling("enqueue_one", 8), plain: calling("enqueue_plain", 4), flows: calling("enqueue_flows", 15) };
}

/** One job that is ready at once, as `enqueue_one` has it; undefined for anything else. */
export function singleValues(items: readonly NewItem[]): (string | number)[] | undefined {
  const [item, ...more] = items;
  if (item === undefined || more.length > 0 || !isPlain(item) || item.job.delayMs > 0) return undefined;
  const { input, name, queue, lane, priority, attempts, timeoutMs } = item.job;
  return [input, name, queue, lane, priority, attempts, timeoutMs];
}

/** Items laid out for the function `enqueue`: rows by kind, naming one another by place. */
export class EnqueuePayload {
  #total = 0;
  readonly #jobs: JobLine[] = [];
  readonly #flows: FlowLine[] = [];
  readonly #stages: StageLine[] = [];
  readonly #keys: KeyLine[] = [];
  readonly #places: Place[] = [];

  /** @throws JobsError `batch_too_large`, `payload_too_large`, `flow_too_large`, `flow_too_deep`, `invalid_definition`. */
  constructor(items: readonly NewItem[]) {
    checkItems(items);
    for (const [item, given] of items.entries()) {
      if ("job" in given) this.#addJob(item, given.job);
      else this.#addFlow(item, given.flow);
    }
    const chars = this.#jobs.reduce((sum, { input }) => sum + input.length, 0);
    if (chars > statementCharsMax) {
      throw new JobsError(
        "batch_too_large",
        `${chars} characters of input in one enqueue: at most ${statementCharsMax}, split it`,
      );
    }
  }

  /** Queues in which jobs may have become ready. */
  get queues(): Set<string> {
    return new Set(this.#jobs.filter(({ waits, delay }) => !waits && delay <= 0).map(({ queue }) => queue));
  }

  /** The first four arguments of `enqueue` and its keys. */
  get values(): [total: number, jobs: string, flows: string | null, stages: string | null, keys: string | null] {
    const { total, jobs, flows, stages, keys } = this.lines;
    return [total, JSON.stringify(jobs), orNull(flows), orNull(stages), orNull(keys)];
  }

  /** What stands for nothing is left out: a JSON null is not an SQL one. */
  get lines(): { total: number; jobs: JobLine[]; flows?: FlowLine[]; stages?: StageLine[]; keys?: KeyLine[] } {
    return {
      total: this.#total,
      jobs: this.#jobs,
      ...(this.#flows.length === 0 ? {} : { flows: this.#flows, stages: this.#stages }),
      ...(this.#keys.length === 0 ? {} : { keys: this.#keys }),
    };
  }

  /** What the caller is told, from the new ids and the items whose key was held. */
  results(
    ids: readonly string[],
    existing: readonly { item: number; ids: string[]; flow: string | null; replaced: boolean }[],
  ): Enqueued[] {
    const held = new Map(existing.map((found) => [found.item, found]));
    return this.#places.map(({ flow, first, count }, item) => {
      const found = held.get(item);
      if (found !== undefined) {
        const state = found.replaced ? "replaced" : "existing";
        return { state, ids: found.ids, ...(found.flow === null ? {} : { flowId: found.flow }) };
      }
      const flowId = flow === undefined ? undefined : ids[flow - 1];
      return {
        state: "added",
        ids: ids.slice(first - 1, first - 1 + count),
        ...(flowId === undefined ? {} : { flowId }),
      };
    });
  }

  #addJob(item: number, job: NewJob): void {
    const n = ++this.#total;
    this.#places.push({ first: n, count: 1 });
    this.#jobs.push({ ...line(item, n, job), waits: false });
    if (job.uniqueKey !== undefined)
      this.#keys.push({ item, n, key: job.uniqueKey, whole: true, flow: false, ...kept(job) });
  }

  /** Ids of members ascend in their order, the `onFailed` job's comes after them, the stages' last. */
  #addFlow(item: number, flow: NewFlow): void {
    const flowPlace = ++this.#total;
    const first = flowPlace + 1;
    const failed = flow.onFailed === undefined ? undefined : first + flow.jobs.length;
    this.#total += flow.jobs.length + (failed === undefined ? 0 : 1);
    const stages = this.#addStages(item, flowPlace, first, flow);
    const parents = new Set(flow.stages.map(({ parent }) => parent));
    this.#places.push({ flow: flowPlace, first, count: flow.jobs.length });
    for (const [index, job] of flow.jobs.entries()) {
      const stage = stages[job.stage];
      if (stage === undefined) {
        throw new JobsError(
          "invalid_definition",
          `job "${job.name}" names stage ${job.stage}: the flow has ${stages.length}, from 0`,
        );
      }
      stage.size++;
      const n = first + index;
      const { parent, position } = stage;
      const place = { flow: flowPlace, stage: stage.n, position, children: parents.has(index), waits: !stage.open };
      this.#jobs.push({ ...line(item, n, job), ...place, ...(parent === undefined ? {} : { parent }) });
      if (job.uniqueKey !== undefined) this.#keys.push({ item, n, key: job.uniqueKey, whole: false, flow: false });
    }
    if (flow.onFailed !== undefined && failed !== undefined) {
      const { key: _unused, ...rest } = line(item, failed, flow.onFailed);
      this.#jobs.push({ ...rest, flow: flowPlace, waits: true });
    }
    const { uniqueKey: key } = flow;
    if (key !== undefined) this.#keys.push({ item, n: flowPlace, key, whole: true, flow: true, ...kept(flow) });
    this.#flows.push({
      item,
      n: flowPlace,
      ...(failed === undefined ? {} : { failed }),
      ...(key === undefined ? {} : { key }),
    });
  }

  #addStages(item: number, flow: number, first: number, { stages }: NewFlow): StageLine[] {
    const positions = new Map<number | undefined, number>();
    const lines = stages.map(({ parent, policy }): StageLine => {
      const position = positions.get(parent) ?? 0;
      positions.set(parent, position + 1);
      const open = parent === undefined && position === 0;
      const n = ++this.#total;
      return {
        item,
        n,
        flow,
        ...(parent === undefined ? {} : { parent: first + parent }),
        position,
        size: 0,
        policy,
        open,
      };
    });
    this.#stages.push(...lines);
    return lines;
  }
}

function line(item: number, n: number, job: NewJob): Omit<JobLine, "waits"> {
  const {
    name,
    queue,
    lane,
    input,
    priority,
    attempts,
    timeoutMs: timeout,
    delayMs: delay,
    uniqueKey,
    wakeKey,
    limitKey,
  } = job;
  return {
    item,
    n,
    name,
    queue,
    lane,
    input,
    priority,
    attempts,
    timeout,
    delay,
    ...(uniqueKey === undefined ? {} : { key: uniqueKey }),
    ...(wakeKey === undefined ? {} : { wake: wakeKey }),
    ...(limitKey === undefined ? {} : { limitKey }),
  };
}

function kept({ uniqueKeptMs, onClash }: NewJob | NewFlow): Pick<KeyLine, "kept" | "clash"> {
  return {
    ...(uniqueKeptMs === undefined ? {} : { kept: uniqueKeptMs }),
    ...(onClash === undefined ? {} : { clash: onClash }),
  };
}

function orNull(lines: unknown): string | null {
  return lines === undefined ? null : JSON.stringify(lines);
}
