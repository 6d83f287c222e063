import type { StagePolicy } from "../../core/job.ts";
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

interface PlacedStage {
  place: number;
  flow: number;
  /** The job above it. */
  parent: number | undefined;
  position: number;
  size: number;
  policy: StagePolicy;
}

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
  readonly #flows: { place: number; size: number }[] = [];
  readonly #stages: PlacedStage[] = [];
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
      array(this.#flows.map(({ place }) => place)),
      array(stages.map(({ place }) => place)),
      array(stages.map(({ flow }) => flow)),
      stages.every(({ parent }) => parent === undefined) ? null : array(stages.map(({ parent }) => parent ?? "NULL")),
      array(stages.map(({ position }) => position)),
      array(stages.map(({ size }) => size)),
      array(stages.map(({ policy }) => policy)),
      array(this.#jobs),
      array(this.#stageOf),
      this.#children.includes(true) ? array(this.#children) : null,
      ...this.#shapes.values,
    ];
  }

  /** What the caller is told, from the new ids. */
  results(ids: readonly string[]): Enqueued[] {
    return this.#flows.map(({ place, size }) => {
      const [flowId = "", ...jobs] = ids.slice(place - 1, place + size);
      return { state: "added", ids: jobs, flowId };
    });
  }

  #add({ jobs, stages }: NewFlow): boolean {
    const flow = ++this.#total;
    this.#flows.push({ place: flow, size: jobs.length });
    const placed = this.#place(flow, stages, jobs.length);
    const parents = new Set(stages.map(({ parent }) => parent));
    for (const [index, job] of jobs.entries()) {
      const stage = placed[job.stage];
      if (stage === undefined || !this.#shapes.add(job)) return false;
      stage.size += 1;
      this.#jobs.push(flow + 1 + index);
      this.#stageOf.push(this.#stages.length + 1 + job.stage);
      this.#children.push(parents.has(index));
      if (stage.parent === undefined && stage.position === 0 && job.delayMs <= 0) this.queues.add(job.queue);
    }
    this.#stages.push(...placed);
    this.#total += jobs.length + stages.length;
    return true;
  }

  #place(flow: number, stages: NewFlow["stages"], jobs: number): PlacedStage[] {
    const positions = new Map<number | undefined, number>();
    return stages.map(({ parent, policy }, index) => {
      const position = positions.get(parent) ?? 0;
      positions.set(parent, position + 1);
      const above = parent === undefined ? undefined : flow + 1 + parent;
      return { place: flow + jobs + 1 + index, flow, parent: above, position, size: 0, policy };
    });
  }
}

function array(values: readonly unknown[]): string {
  return `{${values.join(",")}}`;
}
