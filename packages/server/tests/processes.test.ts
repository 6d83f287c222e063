import { join } from "node:path";
import { jobWhySchema, pageSchema, processDetailSchema, processSchema } from "@provost/contract";
import { defineJob, JobManager, type Transporter } from "@provost/jobs";
import { sqlite } from "@provost/jobs/sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Calls } from "./calls.ts";
import { Running } from "./running.ts";

const held = Promise.withResolvers<void>();
const slow = defineJob("slow", { queue: "user", run: () => held.promise });
const unrun = defineJob("unrun", { queue: "other", run() {} });

let running: Running;
let transporter: Transporter;
let manager: JobManager;
const calls = new Calls(() => running);
beforeAll(async () => {
  running = await Running.start();
  // A user's own worker, on the same store.
  transporter = sqlite(join(running.data, "provost.db"));
  manager = new JobManager({ transporter, jobs: [slow], stopGrace: "100ms" });
  await manager.start();
});
afterAll(async () => {
  held.resolve();
  await manager.stop();
  await transporter.stop();
  await running.stop();
});

describe("L15 processes over HTTP", () => {
  test("tell of themselves; one that is asked to be quiet takes no jobs until it is let go on; one is stopped", async () => {
    const path = `/v1/processes/${encodeURIComponent(manager.id)}`;
    const { id } = await manager.enqueue(slow);
    await expect
      .poll(async () => (await calls.get(processDetailSchema, path)).jobs)
      .toMatchObject([{ id, name: "slow", queue: "user" }]);
    const mine = await calls.get(processDetailSchema, path);
    expect(mine).toMatchObject({ pid: process.pid, state: "running", slots: { short: 64, long: 8 } });
    expect(mine.rssBytes).toBeGreaterThan(1_000_000);
    const all = await calls.get(pageSchema(processSchema), "/v1/processes");
    // The server's own, and the user's; one of them leads.
    expect(all.items).toHaveLength(2);
    expect(all.items.filter(({ leader }) => leader)).toHaveLength(1);
    const own = new JobManager({ transporter, jobs: [unrun], stopGrace: "100ms" });
    await own.start();
    await own.finished((await own.enqueue(unrun)).id);
    await expect.poll(async () => (await own.managers()).some((each) => each.id === own.id)).toBe(true);
    const its = `/v1/processes/${encodeURIComponent(own.id)}`;
    expect(await calls.post(processSchema, `${its}/quiet`)).toMatchObject({ state: "quieting" });
    await expect
      .poll(async () => (await calls.get(processSchema, its)).state, { timeout: 25_000, interval: 100 })
      .toBe("quiet");
    const { id: left } = await own.enqueue(unrun);
    expect(await calls.get(jobWhySchema, `/v1/jobs/${left}/why`)).toMatchObject({ kind: "no-worker" });
    expect(await calls.post(processSchema, `${its}/resume`)).toMatchObject({ state: "running" });
    await own.finished(left);
    const stopped = Promise.withResolvers<void>();
    own.on("manager.stopped", () => stopped.resolve());
    expect(await calls.post(processSchema, `${its}/stop`)).toMatchObject({ state: "stopping" });
    await stopped.promise;
    expect(await calls.refused("GET", its)).toMatchObject({ status: 404, code: "process_not_found" });
    expect(await calls.refused("POST", `${its}/quiet`)).toMatchObject({ status: 404 });
  });
});
