import { describe, expect, test } from "vitest";
import { defineJob, JobsError, type JobDefinition, type ManagerEvent, type PoolOptions } from "../../src/index.ts";
import { systemClock } from "../../src/manager/clock.ts";
import { poolSettingsOf } from "../../src/processes/options.ts";
import { Pool } from "../../src/processes/pool.ts";
import type { AttemptHost } from "../../src/processes/process.ts";
import { claimOf } from "../manager/claims.ts";
import { jobIn, managed, store, type Witness } from "../manager/harness.ts";
import { until } from "./held.ts";
import { inChild, inThread, longBlocks } from "./jobs.ts";
import { selfish } from "./starts-manager.ts";
import { unexported } from "./unexported.ts";

const run = (): void => undefined;

const kinds = [
  ["thread", inThread],
  ["process", inChild],
] as const;

function count(witness: Witness, kind: ManagerEvent["event"]): number {
  return witness.events.filter(({ event }) => event === kind).length;
}

/** The most attempts, and the most processes, that were there at a time. */
function most(witness: Witness): { attempts: number; processes: number } {
  const found = { attempts: 0, processes: 0 };
  const now = { attempts: 0, processes: 0 };
  for (const { event } of witness.events) {
    if (event === "attempt.started") now.attempts += 1;
    if (event === "attempt.settled") now.attempts -= 1;
    if (event === "process.opened") now.processes += 1;
    if (event === "process.closed") now.processes -= 1;
    found.attempts = Math.max(found.attempts, now.attempts);
    found.processes = Math.max(found.processes, now.processes);
  }
  return found;
}

async function pooled(kind: "thread" | "process", jobs: JobDefinition[], options: PoolOptions) {
  return managed({ transporter: await store(), jobs, processes: { [kind]: options } });
}

describe.each(kinds)("a pool of kind %s", (kind, jobs) => {
  test("L9, L14: never more than max at a time, and no more claimed than there are places; the processes are used again", async () => {
    const { manager, witness } = await pooled(kind, [jobs.blocks], { max: 2 });
    await manager.start();
    await manager.enqueueMany(Array.from({ length: 8 }, () => jobs.blocks.with({ ms: 30 })));
    await witness.until("attempt.settled", ({ outcome }) => outcome === "processed", 8);
    // An end is told as settled a little after its place is free.
    expect(most(witness).attempts).toBeLessThanOrEqual(4);
    expect(most(witness).processes).toBe(2);
    expect(count(witness, "process.opened")).toBe(2);
  });

  test("min are warm before the first job; a dead one is replaced", async () => {
    const { manager, witness } = await pooled(kind, [jobs.answers, jobs.dies], { min: 2, max: 3, idle: 0 });
    await manager.start();
    await witness.until("process.opened", () => true, 2);
    const { id } = await manager.enqueue(jobs.dies, "exit", { attempts: 1 });
    await witness.settled(id, "failed");
    await witness.until("process.opened", () => true, 3);
    await until(() => count(witness, "process.opened") - count(witness, "process.closed") === 2);
  });

  test("L14: warming and checking keep to max too", async () => {
    const { manager, witness } = await pooled(kind, [jobs.answers], { min: 2, max: 2 });
    await manager.start();
    await manager.enqueueMany(Array.from({ length: 4 }, () => jobs.answers.with({ say: "x" })));
    await witness.until("attempt.settled", ({ outcome }) => outcome === "processed", 4);
    expect(most(witness).processes).toBe(2);
  });

  test("recycled after n jobs", async () => {
    const { manager, witness } = await pooled(kind, [jobs.answers], { max: 1, recycleAfterJobs: 2 });
    await manager.start();
    const enqueued = await manager.enqueueMany(Array.from({ length: 5 }, () => jobs.answers.with({ say: "x" })));
    await witness.until("attempt.settled", ({ outcome }) => outcome === "processed", 5);
    const runs = await Promise.all(enqueued.map(async ({ id }) => (await jobIn(manager, id)).result ?? ""));
    expect(runs.map((result) => (JSON.parse(result) as { runs: number }).runs).toSorted((a, b) => a - b)).toEqual([
      1, 1, 1, 2, 2,
    ]);
    expect(most(witness).processes).toBe(1);
  });

  test("recycled when it holds more than m MB", async () => {
    const { manager, witness } = await pooled(kind, [jobs.grows], { max: 1, recycleAboveMb: 250 });
    await manager.start();
    await manager.enqueueMany(Array.from({ length: 6 }, () => jobs.grows.with()));
    await witness.until("attempt.settled", ({ outcome }) => outcome === "processed", 6);
    await witness.until("process.closed", ({ jobsRun }) => jobsRun >= 1 && jobsRun <= 4);
    expect(count(witness, "process.opened")).toBeGreaterThan(1);
  });

  test("what is not needed ends after its idle time; the next job gets a new one", async () => {
    const { manager, witness } = await pooled(kind, [jobs.answers], { max: 1, idle: 100 });
    await manager.start();
    await witness.until("process.closed");
    const { id } = await manager.enqueue(jobs.answers, { say: "x" });
    await witness.settled(id, "processed");
    expect(count(witness, "process.opened")).toBe(2);
  });
});

test("L4: what could not be started was not tried: it is deferred, and said", async () => {
  const log: ManagerEvent[] = [];
  const pool = new Pool({
    kind: "process",
    settings: poolSettingsOf({ max: 1 }, "processes.process"),
    open: () => {
      throw new JobsError("process_crashed", "no more processes on this host");
    },
    connect: () => expect.unreachable("nothing was opened"),
    clock: systemClock,
    log: (event) => log.push(event),
    onFree: run,
  });
  pool.start();
  await expect(pool.run({ definition: inChild.answers, claimed: claimOf() } as AttemptHost)).resolves.toEqual({
    kind: "deferred",
    delayMs: 1_000,
  });
  expect(log).toMatchObject([{ event: "service.error", service: "processes", failure: { code: "process_crashed" } }]);
  expect(pool.free).toBe(1);
  await pool.stop();
});

describe("L8", () => {
  test("long isolated jobs hold up no short one: each lane has a pool", async () => {
    const { manager, witness } = await pooled("thread", [longBlocks, inThread.answers], { max: 1 });
    await manager.start();
    const blocking = await manager.enqueue(longBlocks);
    await witness.until("job.log", ({ jobId }) => jobId === blocking.id);
    const { id } = await manager.enqueue(inThread.answers, { say: "x" });
    await witness.settled(id, "processed");
  });
});

describe("checked when the manager starts", () => {
  test.each([
    ["a module that does not export it", unexported(), "does not export it"],
    [
      "a module that is not there",
      defineJob("lost", { process: "process", module: new URL("missing.ts", import.meta.url).href, run() {} }),
      "does not load",
    ],
    ["a module that starts a manager", selfish, "put the jobs in a module of their own"],
  ])("%s: invalid_definition, and no process is left", async (_, job, message) => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [job] });
    const refused = manager.start();
    await expect(refused).rejects.toMatchObject({ code: "invalid_definition" });
    await expect(refused).rejects.toThrow(message);
    expect(count(witness, "process.closed")).toBe(count(witness, "process.opened"));
    expect(count(witness, "manager.started")).toBe(0);
  });

  test("definitions that no process could find are refused at once", () => {
    expect(() => defineJob("job", { process: "thread", run })).toThrow("names no module");
    expect(() => defineJob("job", { process: "thread", module: "./here.ts", run })).toThrow("give import.meta.url");
    expect(() => defineJob("job", { process: "fiber" as "thread", run })).toThrow('process of job "job" is "fiber"');
  });

  test("wrong pool options are refused with their value", async () => {
    const transporter = await store();
    expect(() => managed({ transporter, processes: { thread: { max: 0 } } })).toThrow("processes.thread.max is 0");
    expect(() => managed({ transporter, processes: { process: { min: 3, max: 2 } } })).toThrow(
      "processes.process.min is 3",
    );
    expect(() => managed({ transporter, onStuck: "ignore" as "report" })).toThrow('onStuck is "ignore"');
  });
});
