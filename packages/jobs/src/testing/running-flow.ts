import type { Flow, Job, JobId, JobStatus } from "../core/job.ts";
import type { Claimed, Outcome } from "../transporters/transporter.ts";
import { JobsError } from "../core/errors.ts";
import { type Fixture, type Stage, failed, one } from "./fixture.ts";

/** A flow under test, its jobs called by name. */
export class RunningFlow {
  readonly flowId: string;
  readonly #store: Fixture;
  readonly #ids = new Map<string, JobId>();

  private constructor(store: Fixture, flowId: string) {
    this.#store = store;
    this.flowId = flowId;
  }

  /** Enqueues a flow whose jobs have names of their own; everything is then told by name. */
  static async start(store: Fixture, stages: Stage[], more: Parameters<Fixture["flow"]>[1] = {}): Promise<RunningFlow> {
    const flow = store.flow(stages, more);
    const { ids, flowId = "" } = one(await store.transporter.enqueue([{ flow }]));
    const running = new RunningFlow(store, flowId);
    flow.jobs.forEach(({ name }, index) => running.#ids.set(name, ids[index] ?? ""));
    return running;
  }

  id(name: string): JobId {
    return this.#ids.get(name) ?? "";
  }

  async read(): Promise<Flow> {
    return one([await this.#store.transporter.flow(this.flowId)].filter((flow) => flow !== undefined));
  }

  job(name: string): Promise<Job> {
    return this.#store.get(this.id(name));
  }

  statuses(...names: string[]): Promise<JobStatus[]> {
    return this.#store.statuses(names.map((name) => this.id(name)));
  }

  /** Names of the ready jobs of the flow, its `onFailed` job included. */
  async ready(): Promise<string[]> {
    const queued = await this.#store.transporter.list({ flowId: this.flowId, status: "queued", limit: 1_000 });
    return queued.map(({ name }) => name);
  }

  claim(name: string): Promise<Claimed> {
    return this.#store.claimOne({ names: [name] });
  }

  async settle(name: string, outcome: Outcome): Promise<void> {
    const result = await this.#store.settle(await this.claim(name), outcome);
    if (result.state !== "applied") throw new JobsError("lease_lost", `settling ${name} was refused: ${result.why}`);
  }

  process(name: string): Promise<void> {
    return this.settle(name, { kind: "processed" });
  }

  fail(name: string): Promise<void> {
    return this.settle(name, failed());
  }
}
