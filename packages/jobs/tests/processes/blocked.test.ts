import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { defineJob, typed, type JobManager, type ManagerEvent, type Transporter } from "../../src/index.ts";
import {
  jobIn,
  managed,
  stoppedAfter,
  store,
  temporaryFolder,
  untilAborted,
  withFaults,
  type Witness,
} from "../manager/harness.ts";
import { skipReason, TestServer } from "../postgres-server.ts";
import { held, isAlive, until, type Held } from "./held.ts";

/** Long enough for a machine on which a thread does not get its turn for a second, as was met. */
const lease = 3_000;

/** A second manager with a handler for the same job that only tells that it ran: hungry for what the first one loses. */
function hungry(transporter: Transporter, kind: string): { manager: JobManager; witness: Witness } {
  const job = defineJob(`${kind}.blocks`, {
    timeout: "1h",
    input: typed<{ ms?: number; ledger?: string }>(),
    run: () => "by the second",
  });
  return managed({ transporter, jobs: [job], lease });
}

/** Enqueues a job that blocks for `ms`, waits until it runs at the first, and sets the second on it. */
async function blockedFor(ms: number, transporter: Transporter, kind: string, options: { timeout?: number } = {}) {
  const ledger = join(temporaryFolder(), "ledger");
  const second = hungry(transporter, kind);
  const job = defineJob(`${kind}.blocks`, { timeout: "1h", input: typed<object>(), run() {} });
  const { id } = await second.manager.enqueue(job, { ms, ledger }, options);
  await until(async () => (await jobIn(second.manager, id)).status === "in_progress");
  await second.manager.start();
  return { ...second, id, ledger: () => readFileSync(ledger, "utf8").trim().split("\n") };
}

describe("L9: a job that blocks its event loop for several leases is not run twice", () => {
  test.each(["inline", "thread", "process"])("%s, on SQLite", async (kind) => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { witness: first } = held({ store: path, kind, lease });
    const { manager, witness, id, ledger } = await blockedFor(3 * lease, transporter, kind);
    await first.settled(id, "processed");
    expect(ledger()).toHaveLength(1);
    expect(await jobIn(manager, id)).toMatchObject({ result: '"unblocked"', fence: 1, attemptsUsed: 0, crashes: 0 });
    expect(witness.events).not.toContainEqual(expect.objectContaining({ event: "attempt.started" }));
  });

  test("a frozen process, in which no thread can renew, does lose it: the second was hungry indeed", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { child } = held({ store: path, kind: "inline", lease: 1_000 });
    const { manager, witness, id } = await blockedFor(60_000, transporter, "inline");
    child.kill("SIGSTOP");
    await witness.settled(id, "processed");
    expect(await jobIn(manager, id)).toMatchObject({ result: '"by the second"', fence: 2, attemptsUsed: 1 });
  });
});

/** Six jobs claimed together by the first, of which one blocks it; the second gets the others. */
async function claimedBehind(transporter: Transporter, start: () => Held): Promise<void> {
  const ledger = join(temporaryFolder(), "ledger");
  const second = hungry(transporter, "inline");
  const job = defineJob("inline.blocks", { timeout: "1h", input: typed<object>(), run() {} });
  const [blocker, ...behind] = await second.manager.enqueueMany([
    job.with({ ms: 12_000, ledger }, { priority: 200 }),
    ...Array.from({ length: 5 }, () => job.with({ ms: 0, ledger })),
  ]);
  const status = async (id = ""): Promise<string> => (await jobIn(second.manager, id)).status;
  const fence = async (id: string): Promise<number> => (await jobIn(second.manager, id)).fence;
  const { witness: first } = start();
  // They may have been given back by now: a claim leaves its fence.
  await until(async () => (await Promise.all(behind.map(({ id }) => fence(id)))).every((found) => found === 1));
  await second.manager.start();
  await until(async () =>
    (await Promise.all(behind.map(({ id }) => status(id)))).every((found) => found === "processed"),
  );
  expect(await status(blocker?.id)).toBe("in_progress");
  for (const { id } of behind) {
    expect(await jobIn(second.manager, id)).toMatchObject({ result: '"by the second"', attemptsUsed: 0, fence: 2 });
  }
  await first.settled(blocker?.id ?? "", "processed");
  await first.until("attempt.refused", () => true, 5);
  expect(readFileSync(ledger, "utf8").trim().split("\n")).toHaveLength(1);
  expect(await jobIn(second.manager, blocker?.id ?? "")).toMatchObject({ fence: 1, attemptsUsed: 0 });
}

test("L4, L9: jobs claimed behind a blocked loop and not begun go elsewhere at no cost, on SQLite", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  await claimedBehind(await store(path), () => held({ store: path, kind: "inline", lease: 3_000 }));
});

describe.skipIf(skipReason !== undefined)("L9 on PostgreSQL", () => {
  const server = new TestServer();

  test("L4: jobs claimed behind a blocked loop and not begun go elsewhere at no cost", async () => {
    const schema = server.freshSchema();
    const transporter = stoppedAfter(server.transporter(schema));
    await transporter.start();
    await claimedBehind(transporter, () => held({ store: server.server.url, schema, kind: "inline", lease: 3_000 }));
  });

  test.each(["inline", "thread", "process"])(
    "a %s job that blocks for several leases is not run twice",
    async (kind) => {
      const schema = server.freshSchema();
      const transporter = stoppedAfter(server.transporter(schema));
      await transporter.start();
      const { witness: first } = held({ store: server.server.url, schema, kind, lease });
      const { manager, witness, id, ledger } = await blockedFor(3 * lease, transporter, kind);
      await first.settled(id, "processed");
      expect(ledger()).toHaveLength(1);
      expect(await jobIn(manager, id)).toMatchObject({ result: '"unblocked"', fence: 1, attemptsUsed: 0, crashes: 0 });
      expect(witness.events).not.toContainEqual(expect.objectContaining({ event: "attempt.started" }));
    },
  );
});

describe("L9: an inline job that never ends", () => {
  test("keeps its lease past its timeout and is reported, though its event loop is blocked", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { stderr } = held({ store: path, kind: "inline", lease: 600 });
    const { manager, witness, id } = await blockedFor(60_000, transporter, "inline", { timeout: 300 });
    await until(() => stderr().includes(`job ${id} (fence 1) is past its timeout`));
    const { leaseUntil = 0 } = await jobIn(manager, id);
    await until(async () => ((await jobIn(manager, id)).leaseUntil ?? 0) > leaseUntil + 600);
    expect(await jobIn(manager, id)).toMatchObject({ status: "in_progress", fence: 1 });
    expect(witness.events).not.toContainEqual(expect.objectContaining({ event: "attempt.started" }));
    expect(stderr().trim().split("\n")).toHaveLength(1);
  });

  test("ends its process where the manager is told so; the job goes to another", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { exited } = held({ store: path, kind: "inline", lease: 600, onStuck: "exit" });
    const { manager, witness, id } = await blockedFor(60_000, transporter, "inline", { timeout: 300 });
    await expect(exited).resolves.toMatchObject({ signal: "SIGKILL" });
    await witness.settled(id, "processed");
    expect(await manager.attempts(id)).toMatchObject([{ cause: "lost" }]);
  });
});

test("L9: an inline job that waits for ever, its event loop free, also ends its process where the manager is told so", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  const { manager } = managed({ transporter: await store(path) });
  const { witness, exited } = held({ store: path, kind: "inline", lease: 600, onStuck: "exit" });
  const job = defineJob("inline.deaf", { timeout: 200, run() {} });
  const { id } = await manager.enqueue(job);
  await expect(exited).resolves.toMatchObject({ code: 1 });
  await witness.until("attempt.stuck", ({ jobId, reason }) => jobId === id && reason === "timeout");
});

function isGuards(event: ManagerEvent): boolean {
  return event.event === "service.error" && event.service === "lease-guard";
}

test("L9: without its thread a manager says so, tries again, and renews by itself", async () => {
  const transporter = await store();
  const cut = withFaults(transporter, { remote: { module: "file:///nowhere/renewer.js", options: undefined } });
  const job = defineJob("job", { run: ({ signal }) => untilAborted(signal) });
  const { manager, witness } = managed({ transporter: cut, jobs: [job], lease: 300 });
  await manager.start();
  const { id } = await manager.enqueue(job);
  await witness.until("attempt.started", ({ jobId }) => jobId === id);
  await witness.until("service.error", isGuards, witness.events.filter(isGuards).length + 2);
  expect(await jobIn(manager, id)).toMatchObject({ status: "in_progress", fence: 1 });
});

describe("L9: kill -9 of the manager", () => {
  test("ends its child processes, one that blocks its event loop too; the job loses an attempt and no crash", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const transporter = await store(path);
    const { child, witness: first, exited } = held({ store: path, kind: "process", lease: 1_000 });
    const { manager, witness, id, ledger } = await blockedFor(60_000, transporter, "process");
    await first.until("job.log", ({ jobId }) => jobId === id);
    const [, pid = ""] = ledger()[0]?.split(" ") ?? [];
    expect(isAlive(Number(pid))).toBe(true);
    expect(Number(pid)).not.toBe(child.pid);
    child.kill("SIGKILL");
    await exited;
    await until(() => !isAlive(Number(pid)));
    await witness.settled(id, "processed");
    expect(await jobIn(manager, id)).toMatchObject({ attemptsUsed: 1, crashes: 0, result: '"by the second"' });
  });
});
