import { describe, expect, test } from "vitest";
import { defineJob, flow, typed } from "../../src/index.ts";
import { skipReason, TestServer } from "../postgres-server.ts";
import { managed, stoppedAfter } from "./harness.ts";

describe.skipIf(skipReason !== undefined)("sight and keeping on PostgreSQL, from another host", () => {
  const postgres = new TestServer();

  test("L15 L17: who only watches waits for results, asks why, retries a flow, and sees it pruned", async () => {
    const schema = postgres.freshSchema();
    const [here, there] = [postgres.transporter(schema), postgres.transporter(schema)];
    for (const transporter of [here, there]) await stoppedAfter(transporter).start();
    let broken = true;
    const measure = defineJob("measure", { input: typed<number>(), run: ({ input }) => ({ size: input * 10 }) });
    const add = defineJob("add", {
      attempts: 1,
      run: async ({ resultsOf }) => {
        if (broken) throw new RangeError("adding broke");
        const sizes = await resultsOf(measure);
        return sizes.reduce((sum, { size }) => sum + size, 0);
      },
    });
    const nobodys = defineJob("nobodys", { run() {} });
    const worker = managed({
      transporter: there,
      jobs: [measure, add],
      lease: 10_000,
      keep: { failed: "1h", processed: "1h" },
    });
    const watcher = managed({ transporter: here }).manager;
    await worker.manager.start();
    const { id, jobIds } = await watcher.enqueue(flow([measure.with(1), measure.with(2)]).then(add));
    expect(await watcher.flowFinished(id)).toMatchObject({ status: "failed" });
    expect((await watcher.why(jobIds[2]!))?.reason).toMatchObject({ kind: "final", noAttemptsLeft: true });
    broken = false;
    expect(await watcher.retryFlow(id)).toEqual([{ state: "applied" }]);
    expect(await watcher.result(add, jobIds[2]!)).toBe(30);
    expect((await watcher.tree(id))?.stages.map(({ jobs }) => jobs.length)).toEqual([2, 1]);
    const waiting = await watcher.enqueue(nobodys);
    await expect.poll(async () => (await watcher.managers()).map(({ names }) => names)).toEqual([["measure", "add"]]);
    expect((await watcher.why(waiting.id))?.reason).toMatchObject({ kind: "no-worker", managers: 1 });
    expect(await watcher.counts()).toMatchObject([{ queue: "default", counts: { processed: 3, queued: 1 } }]);
    await worker.manager.stop();
    there.setClockOffset(2 * 3_600_000);
    await worker.manager.start();
    expect(await worker.witness.until("pruned")).toMatchObject([{ jobs: 3, flows: 1 }]);
    expect(await watcher.flow(id)).toBeUndefined();
    expect(await watcher.counts()).toMatchObject([{ counts: { processed: 0, queued: 1 } }]);
  });
});
