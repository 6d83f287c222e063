import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Job, JobId } from "../core/job.ts";
import type { NewFlow } from "../transporters/transporter.ts";
import { Fixture, type Stage, type TransporterSuite, failed, one, modelMsMax } from "./fixture.ts";

/** How the next claimed job ends; `gated`: some job behind a closed gate is cancelled first. */
type End = "processed" | "failed" | "cancelled" | "gated";

const policy = fc.constantFrom("all-processed" as const, "fail-fast" as const, "all-settled" as const);
const end = fc.constantFrom<End>("processed", "processed", "processed", "failed", "cancelled", "gated");

function stages(level: number): fc.Arbitrary<Stage[]> {
  const leaf = fc.constant("work");
  const member: fc.Arbitrary<Stage["jobs"][number]> =
    level >= 3
      ? leaf
      : fc.oneof(
          { weight: 2, arbitrary: leaf },
          { weight: 1, arbitrary: fc.record({ job: leaf, under: fc.nat().chain(() => stages(level + 1)) }) },
        );
  const stage = fc.record({ policy, jobs: fc.array(member, { minLength: 1, maxLength: 3 }) });
  return fc.array(stage, { minLength: 1, maxLength: level === 1 ? 3 : 2 });
}

/** L6 over random trees: what a flow's end must be is computed from its members' ends by a pure function. */
export function flowModelSuite(suite: TransporterSuite): void {
  describe(`L6 flows, model: ${suite.name}`, () => {
    const store = new Fixture(suite);

    it(
      "L6 any flow ends as its policies say, nothing waits for ever, and retries by hand lead to processed",
      async () => {
        await fc.assert(
          fc.asyncProperty(stages(1), fc.array(end, { minLength: 1, maxLength: 12 }), async (tree, ends) => {
            const play = await FlowPlay.start(store, store.flow(tree, { onFailed: {} }));
            await play.toTheEnd(ends);
            await play.checkEnd();
            await play.retryUntilProcessed();
          }),
          { numRuns: suite.modelRuns ?? 30 },
        );
      },
      modelMsMax(suite),
    );
  });
}

class FlowPlay {
  readonly #store: Fixture;
  readonly #flow: NewFlow;
  readonly #ids: JobId[];
  readonly #flowId: string;
  readonly #claimed = new Set<JobId>();

  private constructor(store: Fixture, flow: NewFlow, ids: JobId[], flowId: string) {
    this.#store = store;
    this.#flow = flow;
    this.#ids = ids;
    this.#flowId = flowId;
  }

  static async start(store: Fixture, flow: NewFlow): Promise<FlowPlay> {
    const { ids, flowId = "" } = one(await store.transporter.enqueue([{ flow }]));
    return new FlowPlay(store, flow, ids, flowId);
  }

  #jobs(): Promise<Job[]> {
    return this.#store.transporter.get(this.#ids);
  }

  /** Claims and ends jobs, over and over, until none is ready. */
  async toTheEnd(ends: readonly End[]): Promise<void> {
    for (let turn = 0; ; turn += 1) {
      const claimed = await this.#store.claim({ limit: 1 + (turn % 2) });
      if (claimed.length === 0) return;
      for (const each of claimed) {
        this.#claimed.add(each.id);
        const how = ends[(turn + Number(each.id)) % ends.length];
        if (how === "gated") await this.#cancelWaiting();
        if (how === "cancelled") {
          await this.#store.transporter.amend([each.id], { kind: "cancel", reason: "test" });
          await this.#store.settle(each, { kind: "cancelled", failure: { code: "cancelled", message: "asked to" } });
        } else await this.#store.settle(each, how === "failed" ? failed() : { kind: "processed" });
      }
    }
  }

  async #cancelWaiting(): Promise<void> {
    const waiting = (await this.#jobs()).findLast(({ status }) => status === "waiting");
    if (waiting !== undefined) await this.#store.transporter.amend([waiting.id], { kind: "cancel", reason: "test" });
  }

  async checkEnd(): Promise<void> {
    const jobs = await this.#jobs();
    const flow = one([await this.#store.transporter.flow(this.#flowId)]);
    const open = jobs.filter(({ status }) => !["processed", "failed", "cancelled"].includes(status));
    expect(open).toEqual([]);
    expect(flow?.status === "processed").toBe(this.#passes(jobs, undefined));
    expect(flow?.status).not.toBe("running");
    const onFailed = await this.#store.transporter.list({ flowId: this.#flowId, name: "on-failed", limit: 10 });
    expect(onFailed.map(({ status }) => status)).toEqual(flow?.status === "processed" ? [] : ["queued"]);
    if (flow?.status !== "processed") {
      const cause = jobs.find(({ id }) => id === flow?.failedJobId);
      expect(cause?.status).toBe(flow?.status);
      expect(cause?.failure).toEqual(flow?.failure);
    }
    for (const job of jobs) {
      const parent = jobs.find(({ id }) => id === job.parentId);
      if (parent !== undefined && this.#claimed.has(job.id)) expect(parent.status).toBe("processed");
      if (["parent_failed", "stage_failed"].includes(job.failure?.code ?? ""))
        expect(this.#claimed.has(job.id)).toBe(false);
    }
  }

  /** The law as a pure function: do all stages under this parent (an index; undefined: at the top) pass, one after the other? */
  #passes(jobs: readonly Job[], parent: number | undefined): boolean {
    return this.#flow.stages.every((stage, index) => {
      if (stage.parent !== parent || stage.policy === "all-settled") return true;
      return this.#flow.jobs.every(
        (job, position) =>
          job.stage !== index || (jobs[position]?.status === "processed" && this.#passes(jobs, position)),
      );
    });
  }

  async retryUntilProcessed(): Promise<void> {
    for (let round = 0; round <= this.#ids.length; round += 1) {
      const bad = (await this.#jobs()).filter(({ status }) => status !== "processed");
      if (bad.length === 0) break;
      await this.#store.transporter.amend(
        bad.map(({ id }) => id),
        { kind: "retry" },
      );
      await this.toTheEnd(["processed"]);
    }
    expect(new Set((await this.#jobs()).map(({ status }) => status))).toEqual(new Set(["processed"]));
    expect(await this.#store.transporter.flow(this.#flowId)).toMatchObject({ status: "processed" });
    expect(await this.#store.claim({ names: ["on-failed"] })).toEqual([]);
  }
}
