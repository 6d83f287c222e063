import { describe, expect, test } from "vitest";
import { flow, type ManagerEvent } from "../../src/index.ts";
import { jobIn, managed, store, type Witness } from "../manager/harness.ts";
import { figure, followUp, heardSignals, inChild, inThread } from "./jobs.ts";

const kinds = [
  ["thread", inThread],
  ["process", inChild],
] as const;

function linesOf(witness: Witness, jobId: string): string[] {
  return witness.events
    .filter((event): event is Extract<ManagerEvent, { event: "job.output" }> => event.event === "job.output")
    .filter((event) => event.jobId === jobId)
    .map(({ stream, line }) => `${stream}: ${line}`);
}

describe.each(kinds)("a job in a %s", (kind, jobs) => {
  test("L9: its handler has the same API: input, result, log, flowFailure, fence, key; in a process of its own", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.answers] });
    await manager.start();
    const { id } = await manager.enqueue(jobs.answers, { say: "hello" });
    await witness.settled(id, "processed");
    const job = await jobIn(manager, id);
    const result: unknown = JSON.parse(job.result ?? "null");
    expect(result).toEqual({
      said: "hello",
      fence: 1,
      idempotencyKey: `job-${id}-${job.createdAt.toString(36)}`,
      jobId: id,
      runs: 1,
      pid: kind === "thread" ? process.pid : expect.any(Number),
    });
    if (kind === "process") expect(result).not.toMatchObject({ pid: process.pid });
    expect(witness.events).toContainEqual(
      expect.objectContaining({ event: "job.log", jobId: id, message: "answering", fields: { attempt: 1 } }),
    );
  });

  test("L4, L7, L10: release, defer, fail and a thrown error end the attempt as they do inline", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.ends] });
    await manager.start();
    const ids: string[] = [];
    for (const end of ["release", "defer", "fail", "throw"] as const) {
      ids.push((await manager.enqueue(jobs.ends, end)).id);
    }
    const [released = "", deferred = "", failed = "", thrown = ""] = ids;
    await witness.until("attempt.settled", () => true, 4);
    expect(await jobIn(manager, released)).toMatchObject({ status: "delayed", attemptsUsed: 1 });
    expect(await jobIn(manager, deferred)).toMatchObject({ status: "delayed", attemptsUsed: 0 });
    expect(await jobIn(manager, failed)).toMatchObject({ status: "failed", failure: { message: "no use" } });
    // One claimed ahead on a busy machine may have been handed back before it began.
    expect((await manager.attempts(thrown)).filter(({ cause }) => cause !== "deferred")).toMatchObject([
      { cause: "error", failure: { code: "BROKE", message: "it broke" } },
    ]);
  });

  test("L6, L15: it reads what earlier stages found out, and its progress can be read while it runs", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.sums, figure, followUp] });
    await manager.start();
    const permit = await manager.semaphore("read", { scope: "manager" }).acquire();
    const { id, jobIds } = await manager.enqueue(flow([figure.with(3), figure.with(4)]).then(jobs.sums));
    const last = jobIds[2] ?? "";
    await expect
      .poll(async () => (await manager.progress(last))?.value, { timeout: 60_000 })
      .toEqual({ done: 2, of: 2 });
    await permit.release();
    expect((await manager.flowFinished(id)).status).toBe("processed");
    expect(await manager.result(jobs.sums, last)).toEqual({ found: [{ figure: 3 }, { figure: 4 }], none: [] });
    expect(witness.events.some(({ event }) => event === "service.error")).toBe(false);
  });

  test("L14: a progress that is too large is refused in its own process, and ends the attempt with that", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.overflows] });
    await manager.start();
    const { id } = await manager.enqueue(jobs.overflows);
    await witness.settled(id, "retry");
    expect(await manager.attempts(id)).toMatchObject([{ failure: { code: "payload_too_large" } }]);
    expect(await manager.progress(id)).toBeUndefined();
  });

  test("jobs enqueued by it come with its end; their instants are the store's", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.enqueues, followUp] });
    await manager.start();
    await manager.enqueue(jobs.enqueues);
    const [{ jobId } = { jobId: "" }] = await witness.until("attempt.settled", ({ name }) => name === "follow-up");
    expect((await jobIn(manager, jobId)).result).toBe('"enqueued"');
  });

  test("L9: what it prints is told line by line, bounded, and the last of it kept with a failure", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.prints] });
    await manager.start();
    const { id } = await manager.enqueue(jobs.prints, { lines: 3 });
    await witness.settled(id, "processed");
    expect(linesOf(witness, id).toSorted()).toEqual([
      "stderr: an error line",
      "stdout: line 1",
      "stdout: line 2",
      "stdout: line 3",
      "stdout: no newline at its end",
    ]);
    const many = await manager.enqueue(jobs.prints, { lines: 5_000, fail: true });
    await witness.settled(many.id, "retry");
    expect(linesOf(witness, many.id)).toHaveLength(1_001);
    const [attempt] = await manager.attempts(many.id);
    const { output = "" } = (attempt?.failure?.details ?? {}) as { output?: string };
    expect(output.length).toBeLessThanOrEqual(4_096);
    expect(output).toContain("line 5000");
    expect(output).not.toContain("line 1\n");
  });

  // In a thread the engine may end the whole program when the heap is full: no promise is made, and none is tested.
  const deaths = ["exit", "uncaught", ...(kind === "process" ? (["out-of-memory"] as const) : [])] as const;
  test.each(deaths)(
    "L10: %s ends that attempt only, as a crash; three fail the job",
    { timeout: 60_000 },
    async (way) => {
      const { manager, witness } = managed({
        transporter: await store(),
        jobs: [jobs.dies, jobs.heeds],
        processes: { [kind]: { max: 2, memoryMb: 32 } },
      });
      await manager.start();
      const other = await manager.enqueue(jobs.heeds);
      await witness.until("job.log", ({ jobId }) => jobId === other.id);
      const { id } = await manager.enqueue(jobs.dies, way);
      await witness.settled(id, "failed");
      expect(await jobIn(manager, id)).toMatchObject({ status: "failed", crashes: 3, attemptsUsed: 3 });
      // What a busy machine could not start in time was not tried (L4).
      const attempts = (await manager.attempts(id)).filter(({ cause }) => cause !== "deferred");
      expect(attempts.map(({ cause }) => cause)).toEqual(["crashed", "crashed", "crashed"]);
      expect(attempts[0]?.failure).toMatchObject({ code: "process_crashed", details: { output: expect.any(String) } });
      expect(attempts[2]?.failure?.code).toBe("crashes_exhausted");
      expect(linesOf(witness, id)).toContain("stdout: about to die");
      expect(await jobIn(manager, other.id)).toMatchObject({ status: "in_progress", fence: 1 });
    },
  );

  test("L9: one that ignores its timeout is ended, rung by rung; the attempt ends as a timeout with its output", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.deaf] });
    await manager.start();
    const { id } = await manager.enqueue(jobs.deaf);
    await witness.settled(id, "retry");
    const by = kind === "thread" ? "terminate" : "SIGTERM";
    expect(witness.events).toContainEqual(expect.objectContaining({ event: "attempt.ending", jobId: id, by }));
    expect(await manager.attempts(id)).toMatchObject([
      { cause: "timeout", failure: { code: "attempt_timed_out", details: { output: "turning" } } },
    ]);
    expect((await jobIn(manager, id)).crashes).toBe(0);
  });

  test("L9: one that blocks its event loop for ever is killed at its timeout", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.blocks] });
    await manager.start();
    const { id } = await manager.enqueue(jobs.blocks, {}, { timeout: 500 });
    await witness.settled(id, "retry");
    const by = kind === "thread" ? "terminate" : "SIGKILL";
    expect(witness.events).toContainEqual(expect.objectContaining({ event: "attempt.ending", jobId: id, by }));
    expect(await manager.attempts(id)).toMatchObject([{ cause: "timeout" }]);
  });

  test("L9: cancelled by another manager: its signal aborts, and what blocks is killed", async () => {
    const transporter = await store();
    const { manager, witness } = managed({ transporter, jobs: [jobs.heeds, jobs.blocks], lease: 600 });
    const { manager: elsewhere } = managed({ transporter });
    await manager.start();
    const heeds = await manager.enqueue(jobs.heeds);
    const blocks = await manager.enqueue(jobs.blocks, {});
    await witness.until("job.log", ({ jobId }) => jobId === heeds.id);
    await witness.until("job.log", ({ jobId }) => jobId === blocks.id);
    await elsewhere.cancel([heeds.id, blocks.id]);
    await witness.settled(heeds.id, "cancelled");
    await witness.settled(blocks.id, "cancelled");
    expect(witness.events).not.toContainEqual(
      expect.objectContaining({ event: "attempt.ending", jobId: heeds.id, by: "SIGKILL" }),
    );
  });

  test("L4: stopping gives back what runs at no cost, and leaves no process", async () => {
    const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.heeds, jobs.blocks] });
    await manager.start();
    const heeds = await manager.enqueue(jobs.heeds);
    const blocks = await manager.enqueue(jobs.blocks, {});
    await witness.until("job.log", ({ jobId }) => jobId === heeds.id);
    await witness.until("job.log", ({ jobId }) => jobId === blocks.id);
    await manager.stop();
    expect(await jobIn(manager, heeds.id)).toMatchObject({ status: "queued", attemptsUsed: 0 });
    expect(await jobIn(manager, blocks.id)).toMatchObject({ attemptsUsed: 0 });
    const count = (event: ManagerEvent["event"]): number =>
      witness.events.filter((each) => each.event === event).length;
    expect(count("process.closed")).toBe(count("process.opened"));
    await manager.start();
    await witness.until("attempt.started", ({ jobId, fence }) => jobId === heeds.id && fence === 2);
  });
});

test("L9: a Ctrl-C or a service manager that signals the whole group ends no job: its manager decides", async () => {
  const { manager, witness } = managed({ transporter: await store(), jobs: [heardSignals] });
  await manager.start();
  const { id } = await manager.enqueue(heardSignals);
  const [listening] = await witness.until("job.log");
  const pid = Number(listening?.fields.pid);
  process.kill(pid, "SIGINT");
  process.kill(pid, "SIGTERM");
  await witness.settled(id, "processed");
  expect(await jobIn(manager, id)).toMatchObject({ attemptsUsed: 0, crashes: 0 });
});
