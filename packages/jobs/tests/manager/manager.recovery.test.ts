import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { defineJob, flow, JobsError, type ManagerEvent } from "../../src/index.ts";
import { jobIn, managed, signal, store, temporaryFolder, untilAborted, Witness, withFaults } from "./harness.ts";

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function worker(path: string, mode: "run" | "enqueue", lease = 1_000): { child: ChildProcess; witness: Witness } {
  const script = fileURLToPath(new URL("worker.ts", import.meta.url));
  const child = fork(script, [path, mode, String(lease)], {
    execArgv: ["--conditions=source"],
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  children.push(child);
  const witness = new Witness();
  child.on("message", (event: ManagerEvent) => witness.tell(event));
  return { child, witness };
}

function exited(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = exited(child);
  child.kill("SIGKILL");
  await gone;
}

describe("kill -9", () => {
  test("L9, L10: a killed worker's job is rescued, the attempt charged, without a crash, and runs again", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { child, witness: remote } = worker(path, "run");
    const held = defineJob("held", { run: ({ attempt, fence }) => ({ attempt, fence }) });
    const { manager, witness } = managed({ transporter, jobs: [held], lease: 1_000 });
    const { id } = await manager.enqueue(held);
    await remote.until("attempt.started");
    await killed(child);
    await manager.start();
    await witness.settled(id, "processed");
    expect(await jobIn(manager, id)).toMatchObject({ attemptsUsed: 1, crashes: 0, result: '{"attempt":2,"fence":2}' });
    expect(await manager.attempts(id)).toMatchObject([{ cause: "lost", fence: 1, failure: { code: "lease_lost" } }]);
  });

  test("L6, L10: the last attempt dies with its worker: a manager without its definition ends the flow and onFailed runs", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { child, witness: remote } = worker(path, "run");
    const held = defineJob("held", { attempts: 1, run() {} });
    const report = defineJob("report", { run: async ({ flowFailure }) => (await flowFailure())?.failure });
    const { manager, witness } = managed({ transporter, jobs: [report], lease: 1_000 });
    const { id } = await manager.enqueue(flow(held).onFailed(report));
    await remote.until("attempt.started");
    await killed(child);
    await manager.start();
    const [{ jobId } = { jobId: "" }] = await witness.until("attempt.settled", ({ name }) => name === "report");
    expect(await manager.flow(id)).toMatchObject({ status: "failed", failure: { code: "attempts_exhausted" } });
    expect((await jobIn(manager, jobId)).result).toContain("lease_lost");
  });

  test("L11: every enqueue that returned is there after kill -9 in the midst of enqueueing", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { child } = worker(path, "enqueue");
    const returned: string[] = [];
    const lines = createInterface({ input: child.stdout! });
    const gone = exited(child);
    for await (const line of lines) {
      returned.push(line);
      if (returned.length === 200) child.kill("SIGKILL");
    }
    await gone;
    const { manager } = managed({ transporter });
    const there = new Set<string>();
    let after = "0";
    for (;;) {
      const page = await manager.list({ after, limit: 1_000 });
      for (const { id } of page) there.add(id);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.id;
    }
    expect(returned.length).toBeGreaterThanOrEqual(200);
    expect(returned.filter((id) => !there.has(id))).toEqual([]);
  });

  test("L3: a manager frozen past its lease finds its settlement refused; the job was settled once", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { child, witness: remote } = worker(path, "run", 400);
    const held = defineJob("held", { run: () => "by the second" });
    const { manager, witness } = managed({ transporter, jobs: [held], lease: 1_000 });
    const { id } = await manager.enqueue(held);
    await remote.until("attempt.started");
    child.kill("SIGSTOP");
    await manager.start();
    await witness.settled(id, "processed");
    await manager.stop();
    child.kill("SIGCONT");
    child.send("finish");
    await remote.until("attempt.refused", ({ jobId, fence, why }) => jobId === id && fence === 1 && why === "fence");
    expect(await jobIn(manager, id)).toMatchObject({ status: "processed", fence: 2, result: '"by the second"' });
    expect(remote.events).not.toContainEqual(expect.objectContaining({ event: "attempt.settled" }));
  });
});

function away(): never {
  throw new JobsError("store_unavailable", "the test has cut it off");
}

describe("a store in trouble", () => {
  test("claims and settlements that fail are tried again; the handler runs once", async () => {
    const transporter = await store();
    let runs = 0;
    const left = { claim: 2, settle: 3, promote: 2 };
    const faulty = withFaults(transporter, {
      claim: async (...args) => ((left.claim -= 1) >= 0 ? away() : await transporter.claim(...args)),
      settle: async (...args) => ((left.settle -= 1) >= 0 ? away() : await transporter.settle(...args)),
      promote: async (...args) => ((left.promote -= 1) >= 0 ? away() : await transporter.promote(...args)),
    });
    const job = defineJob("job", { run: () => (runs += 1) });
    const { manager, witness } = managed({ transporter: faulty, jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.settled(id, "processed");
    expect(runs).toBe(1);
    expect(await jobIn(manager, id)).toMatchObject({ attemptsUsed: 0, result: "1" });
    expect(witness.events).toContainEqual(expect.objectContaining({ event: "service.error", service: "claimer" }));
  });

  test("L3: what cannot be renewed is aborted before its lease ends", async () => {
    const transporter = await store();
    const faulty = withFaults(transporter, { renew: async () => away() });
    const leaseLeft = signal<number>();
    const job = defineJob("job", {
      backoff: "1h",
      run: async ({ signal: aborted, jobId }) => {
        await untilAborted(aborted).catch(() => undefined);
        const [[row], now] = await Promise.all([transporter.get([jobId]), transporter.now()]);
        leaseLeft.resolve((row?.leaseUntil ?? 0) - now);
        throw aborted.reason;
      },
    });
    const { manager, witness } = managed({ transporter: faulty, jobs: [job], lease: 4_000 });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await expect(leaseLeft.promise).resolves.toBeGreaterThan(0);
    await witness.until("attempt.aborted", ({ reason }) => reason === "lease");
    await witness.settled(id, "retry");
    expect((await manager.attempts(id))[0]).toMatchObject({ cause: "lost", failure: { code: "lease_lost" } });
  });

  test("L9: a blocked event loop does not lose its job to its own rescuer", async () => {
    let runs = 0;
    const job = defineJob("job", {
      run: async () => {
        runs += 1;
        // The scenario itself: nothing of this process runs for several leases.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_500);
        await new Promise((resolve) => setImmediate(resolve));
        return runs;
      },
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job], lease: 1_000 });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.settled(id, "processed");
    expect(runs).toBe(1);
    expect(await jobIn(manager, id)).toMatchObject({ attemptsUsed: 0, fence: 1 });
  });
});

describe("start and stop", () => {
  test("L4: stopping aborts what does not end in its grace and gives it back at no cost; another manager runs it", async () => {
    const transporter = await store();
    const job = defineJob("job", { run: ({ signal: aborted }) => untilAborted(aborted) });
    const { manager, witness } = managed({ transporter, jobs: [job] });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.until("attempt.started");
    await Promise.all([manager.stop(), manager.stop()]);
    expect(await jobIn(manager, id)).toMatchObject({ status: "queued", attemptsUsed: 0, priority: 100 });
    expect(witness.events.at(-1)).toMatchObject({ event: "manager.stopped", abandoned: 0 });
    const next = defineJob("job", { run() {} });
    const { manager: other, witness: second } = managed({ transporter, jobs: [next] });
    await other.start();
    await second.settled(id, "processed");
  });

  test("stopping waits for what ends within the grace, and a stopped manager can start again", async () => {
    const job = defineJob("job", { run: () => new Promise((resolve) => setImmediate(resolve, "done")) });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job], stopGrace: "30s" });
    await manager.start();
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.until("attempt.started");
    await manager.stop();
    expect(await jobIn(manager, id)).toMatchObject({ status: "processed" });
    const later = await manager.enqueue(job);
    expect(await jobIn(manager, later.id)).toMatchObject({ status: "queued" });
    await manager.start();
    await witness.settled(later.id, "processed");
  });

  test("L4, L9: a handler that ignores the stop is reported and given back free of charge after a lease's time", async () => {
    const hold = signal();
    const job = defineJob("job", { run: () => hold.promise });
    const { manager, witness } = managed({ transporter: await store(), jobs: [job], lease: 30_000 });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.until("attempt.started");
    await manager.stop();
    expect(witness.events.at(-1)).toMatchObject({ event: "manager.stopped", abandoned: 1 });
    const given = await jobIn(manager, id);
    expect(given).toMatchObject({ status: "delayed", attemptsUsed: 0 });
    hold.resolve();
  });

  test("wrong options are refused with their value", async () => {
    const transporter = await store();
    const job = defineJob("job", { run() {} });
    expect(() => managed({ transporter, slots: { short: -1 } })).toThrow("slots.short is -1");
    expect(() => managed({ transporter, lease: 1 })).toThrow("lease (ms) is 1");
    expect(() => managed({ transporter, jobs: [job, job] })).toThrow('two jobs are named "job"');
  });
});
