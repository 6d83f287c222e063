import type { Enqueued, NewFlow, NewItem } from "../transporter.ts";
import { isPlainJob, Shapes } from "./shapes.ts";

/** Arrays as PostgreSQL writes them: the client's own way takes each element apart. */
type Values = [
  total: number,
  flows: string,
  stages: string,
  stageFlows: string,
  parents: string | null,
  positions: string,
  sizes: string,
  policies: string,
  jobs: string,
  stageOf: string,
  children: string | null,
  inputs: string,
  shapeOf: number[] | null,
  shapes: string,
];

/** A flow in which nothing but its jobs and stages is to be added. */
export function isPlainFlow(item: NewItem): item is { flow: NewFlow } {
  return (
    "flow" in item &&
    item.flow.uniqueKey === undefined &&
    item.flow.onFailed === undefined &&
    item.flow.jobs.every(isPlainJob)
  );
}

/**
 * Such flows laid out for the function `enqueue_flows`: columns of numbers that are places in the array of new ids, from 1. Those of a flow
 * come one after the other: its own, its jobs' in their order, its stages'.
 */
export class FlowValues {
  readonly #flows: number[] = [];
  readonly #sizes: number[] = [];
  readonly #stages: { place: number; flow: number; parent: number | undefined; position: number; policy: string }[] =
    [];
  readonly #jobs: number[] = [];
  readonly #stageOf: number[] = [];
  readonly #children: boolean[] = [];
  readonly #shapes = new Shapes();
  #total = 0;
  /** Queues in which jobs become ready at once. */
  readonly queues = new Set<string>();

  /** Undefined for jobs alone, and when hardly two of the flows' jobs are of one shape. */
  static of(items: readonly NewItem[]): FlowValues | undefined {
    const values = new FlowValues();
    return items.every((item) => "flow" in item && values.#add(item.flow)) ? values : undefined;
  }

  get values(): Values {
    const stages = this.#stages;
    return [
      this.#total,
      array(this.#flows),
      array(stages.map(({ place }) => place)),
      array(stages.map(({ flow }) => flow)),
      stages.every(({ parent }) => parent === undefined) ? null : array(stages.map(({ parent }) => parent ?? "NULL")),
      array(stages.map(({ position }) => position)),
      array(this.#sizes),
      array(stages.map(({ policy }) => policy)),
      array(this.#jobs),
      array(this.#stageOf),
      this.#children.includes(true) ? array(this.#children) : null,
      ...this.#shapes.values,
    ];
  }

  /** What the caller is told, from the new ids. */
  results(ids: readonly string[]): Enqueued[] {
    let job = 0;
    return this.#flows.map((place, index) => {
      const end = this.#flows[index + 1] ?? this.#total + 1;
      const first = job;
      while ((this.#jobs[job] ?? end) < end) job += 1;
      return { state: "added", ids: ids.slice(place, place + job - first), flowId: ids[place - 1] ?? "" };
    });
  }

  #add({ jobs, stages }: NewFlow): boolean {
    const flow = ++this.#total;
    this.#flows.push(flow);
    const firstStage = this.#stages.length;
    const parents = new Set<number>();
    const positions = new Map<number | undefined, number>();
    for (const [index, { parent, policy }] of stages.entries()) {
      const position = positions.get(parent) ?? 0;
      positions.set(parent, position + 1);
      if (parent !== undefined) parents.add(parent);
      const place = flow + jobs.length + index + 1;
      this.#stages.push({
        place,
        flow,
        parent: parent === undefined ? undefined : flow + 1 + parent,
        position,
        policy,
      });
      this.#sizes.push(0);
    }
    for (const [index, job] of jobs.entries()) {
      if (!this.#shapes.add(job)) return false;
      const stage = firstStage + job.stage;
      this.#sizes[stage] = (this.#sizes[stage] ?? 0) + 1;
      this.#jobs.push(flow + 1 + index);
      this.#stageOf.push(stage + 1);
      this.#children.push(parents.has(index));
      const { parent, position } = this.#stages[stage] ?? {};
      if (parent === undefined && position === 0 && job.delayMs <= 0) this.queues.add(job.queue);
    }
    this.#total += jobs.length + stages.length;
    return true;
  }
}

function array(values: readonly unknown[]): string {
  return `{${values.join(",")}}`;
}
