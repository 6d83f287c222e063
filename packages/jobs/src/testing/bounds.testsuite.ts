import { describe, expect, it } from "vitest";
import { limits } from "../core/limits.ts";
import type { NewFlow } from "../transporters/transporter.ts";
import { Fixture, type TransporterSuite } from "./fixture.ts";

/** JSON text of so many bytes of UTF-8. */
function text(bytes: number): string {
  return JSON.stringify("ü".repeat((bytes - 2) / 2));
}

/** L14: everything has a limit with a name, and an error that says the value. */
export function boundsSuite(suite: TransporterSuite): void {
  describe(`L14 bounds: ${suite.name}`, () => {
    const store = new Fixture(suite);
    const tooMany = Array.from({ length: limits.batchJobsMax + 1 }, (_, index) => String(index + 1));

    it("L14 a batch over its limit is refused with batch_too_large and the number", async () => {
      const { transporter } = store;
      const refusal = { code: "batch_too_large", message: expect.stringContaining(String(tooMany.length)) };
      const fence = 1;
      await expect(transporter.get(tooMany)).rejects.toMatchObject(refusal);
      await expect(transporter.amend(tooMany, { kind: "retry" })).rejects.toMatchObject(refusal);
      await expect(transporter.renew(tooMany.map((id) => ({ id, fence, leaseMs: 1 })))).rejects.toMatchObject(refusal);
      const outcome = { kind: "processed" } as const;
      await expect(transporter.settle(tooMany.map((id) => ({ id, fence, version: 0, outcome })))).rejects.toMatchObject(
        refusal,
      );
      await expect(store.claim({ limit: tooMany.length })).rejects.toMatchObject(refusal);
      await expect(transporter.list({ limit: tooMany.length })).rejects.toMatchObject(refusal);
      await expect(transporter.wake(tooMany)).rejects.toMatchObject(refusal);
    });

    it("L14 an enqueue over its limit adds nothing", async () => {
      const items = Array.from({ length: limits.enqueueJobsMax + 1 }, () => ({ job: store.job() }));
      await expect(store.transporter.enqueue(items)).rejects.toMatchObject({ code: "batch_too_large" });
      expect(await store.ready()).toEqual([]);
    });

    it("L14 a flow over its limits is refused: jobs, depth", async () => {
      const wide = store.flow([{ jobs: Array.from({ length: limits.flowJobsMax + 1 }, () => "work") }]);
      await expect(store.transporter.enqueue([{ flow: wide }])).rejects.toMatchObject({ code: "flow_too_large" });
      const deep: NewFlow = { jobs: [], stages: [] };
      for (let level = 0; level <= limits.flowDepthMax; level += 1) {
        deep.stages.push({ policy: "all-processed", ...(level === 0 ? {} : { parent: level - 1 }) });
        deep.jobs.push({ ...store.job(), stage: level });
      }
      await expect(store.transporter.enqueue([{ flow: deep }])).rejects.toMatchObject({ code: "flow_too_deep" });
      expect(await store.transporter.list({ queue: store.queue, limit: 1 })).toEqual([]);
    });

    it("L14 an input over its limit is refused; one at the limit is stored whole, counted in bytes of UTF-8", async () => {
      await expect(store.enqueueOne({ input: text(limits.payloadBytesMax + 2) })).rejects.toMatchObject({
        code: "payload_too_large",
      });
      const input = text(limits.payloadBytesMax);
      const id = await store.enqueueOne({ input });
      expect((await store.get(id)).input).toBe(input);
      expect((await store.claimOne()).input).toBe(input);
    });

    it("L14 10,000 jobs in one call are all added, and so is a flow of 10,000", async () => {
      const items = Array.from({ length: limits.enqueueJobsMax }, () => ({ job: store.job() }));
      expect(await store.transporter.enqueue(items)).toHaveLength(limits.enqueueJobsMax);
      const queue = `${store.queue}-flow`;
      const stages = [{ jobs: ["work"] }, { jobs: Array.from({ length: limits.flowJobsMax - 1 }, () => ({ queue })) }];
      const [flow] = await store.transporter.enqueue([{ flow: store.flow(stages) }]);
      expect(flow?.ids).toHaveLength(limits.flowJobsMax);
    });
  });
}
