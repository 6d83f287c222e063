import { defineJob, flow, JobManager, type JobId, type Transporter } from "@provost/jobs";
import { afterEach, describe, expect, test } from "vitest";
import { Overview } from "../src/jobs/overview.ts";
import { stores } from "./stores.ts";

/** A job as the tables have it, read past everything that is tested here. */
interface Row {
  id: string;
  name: string;
  queue: string;
  status: string;
  readyAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  code: string | null;
}

const minuteMs = 60_000;
const queries = {
  sqlite: {
    jobs: `SELECT j.id, j.name, j.queue, CASE WHEN r.id IS NOT NULL THEN 'in_progress' WHEN d.id IS NOT NULL THEN 'processed' ELSE j.status END AS status,
      j.ready_at, coalesce(d.started_at, j.started_at) AS started_at, coalesce(d.finished_at, j.finished_at) AS finished_at, o.failure
      FROM jobs_job j LEFT JOIN jobs_running r ON r.id = j.id LEFT JOIN jobs_done d ON d.line = j.line AND d.id = j.id
      LEFT JOIN jobs_outcome o ON o.id = j.id ORDER BY j.id`,
    attempts: "SELECT job_id, cause, ended_at FROM jobs_attempt",
    managers: "SELECT count(*) AS n FROM jobs_manager",
  },
  postgres: {
    jobs: "SELECT id, name, queue, status, ready_at, started_at, finished_at, failure FROM provost_jobs.job_now ORDER BY id",
    attempts: "SELECT job_id, cause, ended_at FROM provost_jobs.attempt",
    managers: "SELECT count(*) AS n FROM provost_jobs.manager",
  },
};

describe.each(stores)("L15 the overview: $name", (store) => {
  const managers: JobManager[] = [];
  afterEach(async () => {
    for (const manager of managers.splice(0)) await manager.stop();
    const transporter = await store.shared();
    transporter.setClockOffset(0);
    for (const { id } of await rows(transporter)) await transporter.amend([id], { kind: "cancel", reason: "test" });
  });

  test("L15 every figure equals a query of the store: counts, ends by minute, queue and name, processes, per minute", async () => {
    const transporter = await store.shared();
    const offsetMs = earlyInMinute(transporter);
    const held = Promise.withResolvers<void>();
    const fine = jobOf("fine", () => 1);
    const bad = jobOf("bad", ({ fail }) => fail(new RangeError("no")));
    const worse = jobOf("worse", ({ fail }) => fail(new RangeError("no")), "b");
    const flaky = jobOf("flaky", ({ attempt }) => {
      if (attempt < 3) throw new RangeError("again");
    });
    const slow = jobOf("slow", ({ signal }) => Promise.race([held.promise, aborted(signal)]), "b");
    const other = jobOf("other", () => undefined, "c");
    const manager = new JobManager({ transporter, jobs: [fine, bad, worse, flaky, slow] });
    managers.push(manager);
    await manager.start();
    const overview = new Overview(manager);
    const ids: JobId[] = [];
    const many = [fine, fine, fine, fine, fine, bad, bad, worse, flaky, flaky];
    for (const each of many) ids.push((await manager.enqueue(each)).id);
    const running = await manager.enqueue(slow);
    const cancelled = await manager.enqueue(slow);
    await manager.enqueue(fine, undefined, { after: "1h" });
    await manager.enqueue(other);
    await manager.enqueue(other);
    // Cancelled before it ran: it is in no throughput.
    await manager.cancel((await manager.enqueue(other)).id);
    // The second stage fails with the first, and has never run either.
    const failing = await manager.enqueue(flow(fine).then(bad).then(other));
    await manager.enqueue(flow(slow).then(fine));
    for (const id of ids) await manager.finished(id);
    await manager.flowFinished(failing.id);
    await expect.poll(async () => (await manager.get(cancelled.id))?.status).toBe("in_progress");
    await manager.cancel(cancelled.id);
    expect((await manager.finished(cancelled.id)).status).toBe("cancelled");

    await expect
      .poll(async () => told(overview), { timeout: 60_000, interval: 200 })
      .toEqual(await counted(transporter, await transporter.now()));
    const seen = await overview.now();
    // And none of them is nothing.
    expect(seen).toMatchObject({ running: 2, ready: 2, delayed: 1, waiting: 1, failedLastHour: 4, processes: 1 });
    expect(seen.failing.map(({ name }) => name)).toEqual(["bad", "worse", "flaky"]);
    expect(seen.minutes.at(-1)).toMatchObject({ processed: 8, failed: 4, cancelled: 1, retried: 4, backlog: 2 });

    const oldest = (await rows(transporter)).filter(({ status }) => status === "queued").map(({ readyAt }) => readyAt);
    const before = await transporter.now();
    const { oldestWait } = await overview.now();
    expect(oldestWait).toMatchObject({ queue: "c", lane: "short" });
    expect(oldestWait!.ms).toBeGreaterThanOrEqual(before - Math.min(...oldest));
    expect(oldestWait!.ms).toBeLessThanOrEqual((await transporter.now()) - Math.min(...oldest));

    // A minute later the one before is the last whole one, with its backlog as it was noted.
    held.resolve();
    await manager.finished(running.id);
    await expect.poll(async () => (await overview.now()).running).toBe(0);
    await expect
      .poll(async () => (await overview.now()).minutes.at(-1)?.processed, { timeout: 60_000, interval: 200 })
      .toBe(11);
    transporter.setClockOffset(offsetMs + minuteMs);
    await expect
      .poll(async () => told(overview), { timeout: 60_000, interval: 200 })
      .toEqual(await counted(transporter, await transporter.now()));
    expect((await overview.now()).perMinute).toBe(16);
    await expect
      .poll(async () => (await overview.now()).minutes.at(-2)?.backlog, { timeout: 60_000, interval: 200 })
      .toBe(2);
    // An hour later it is gone from the figures, though not from the store.
    transporter.setClockOffset(offsetMs + 61 * minuteMs);
    expect((await overview.now()).failedLastHour).toBe(0);
  });

  test("L15 waits and runs are those of the store, to the next step of 19%", async () => {
    const transporter = await store.shared();
    const offsetMs = earlyInMinute(transporter);
    const only = defineJob("only", { queue: "waits", run() {} });
    const asker = new JobManager({ transporter });
    managers.push(asker);
    const ids: JobId[] = [];
    // Some wait for hours, most for seconds.
    for (const waitMs of [3_600_000, 600_000, 90_000, 80_000, 70_000, 60_000, 50_000, 40_000, 30_000, 20_000]) {
      transporter.setClockOffset(offsetMs + 3_600_000 - waitMs);
      ids.push((await asker.enqueue(only)).id);
    }
    transporter.setClockOffset(offsetMs + 3_600_000);
    const manager = new JobManager({ transporter, jobs: [only] });
    managers.push(manager);
    await manager.start();
    for (const id of ids) await manager.finished(id);
    await manager.stop();
    const jobs = (await rows(transporter)).filter(({ id }) => ids.includes(id));
    const waits = jobs.map(({ startedAt, readyAt }) => startedAt! - readyAt).toSorted((a, b) => a - b);
    const minute = (await new Overview(asker).now()).minutes.at(-1);
    for (const [ms, exact] of [
      [minute?.waitP50Ms, waits[4]!],
      [minute?.waitP95Ms, waits[9]!],
    ] as const) {
      // What lies between the claim in the store and the handler's call is some ms of these seconds.
      expect(ms).toBeGreaterThanOrEqual(exact * 0.99);
      expect(ms).toBeLessThanOrEqual(exact * 2 ** 0.25 * 1.01);
    }
    expect(minute?.runP95Ms).toBeGreaterThanOrEqual(1);
  });

  test("L15 what two managers have counted is added up", async () => {
    const transporter = await store.shared();
    earlyInMinute(transporter);
    const before = (await new Overview(new JobManager({ transporter })).now()).minutes.at(-1)!.processed;
    for (const name of ["one", "two"]) {
      const job = defineJob(name, { queue: name, run() {} });
      const manager = new JobManager({ transporter, jobs: [job] });
      managers.push(manager);
      await manager.start();
      await manager.finished((await manager.enqueue(job)).id);
      await manager.finished((await manager.enqueue(job)).id);
      // What is counted is handed over at the stop.
      await manager.stop();
    }
    expect((await new Overview(new JobManager({ transporter })).now()).minutes.at(-1)!.processed).toBe(before + 4);
  });
});

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

function sqlOf(transporter: Transporter): (typeof queries)["sqlite"] {
  return queries[transporter.capabilities.sql === "postgres" ? "postgres" : "sqlite"];
}

/** The same figures, as the overview has them. */
async function told(overview: Overview) {
  const { running, ready, delayed, waiting, failedLastHour, perMinute, processes, ...rest } = await overview.now();
  return {
    running,
    ready,
    delayed,
    waiting,
    failedLastHour,
    perMinute,
    processes,
    minutes: rest.minutes.map(({ at, processed, failed, cancelled, retried }) => ({
      at,
      processed,
      failed,
      cancelled,
      retried,
    })),
    failing: rest.failing,
    queues: rest.queues
      .map(({ paused: _paused, oldestWaitMs: _oldest, ...queue }) => queue)
      .toSorted((a, b) => (a.queue < b.queue ? -1 : 1)),
  };
}

/** Puts the store's clock near the beginning of a minute, so that nothing ends at the edge of one; returns its offset, to go on from. */
function earlyInMinute(transporter: Transporter): number {
  const offsetMs = 10_000 - (Date.now() % minuteMs);
  transporter.setClockOffset(offsetMs);
  return offsetMs;
}

async function rows(transporter: Transporter): Promise<Row[]> {
  const found = await transporter.sql!.query(sqlOf(transporter).jobs);
  return found.rows.map((row) => ({
    id: String(row["id"]),
    name: String(row["name"]),
    queue: String(row["queue"]),
    status: String(row["status"]),
    readyAt: Number(row["ready_at"]),
    startedAt: numberOf(row["started_at"]),
    finishedAt: numberOf(row["finished_at"]),
    code: row["failure"] === null ? null : codeOf(row["failure"]),
  }));
}

/** The figures, as a count of all rows gives them. */
async function counted(transporter: Transporter, now: number) {
  const all = await rows(transporter);
  const attempts = (await transporter.sql!.query(sqlOf(transporter).attempts)).rows;
  const from = Math.floor(now / minuteMs) * minuteMs - 59 * minuteMs;
  const shut = new Set(["parent_failed", "stage_failed"]);
  const ended = all.filter(
    ({ finishedAt, startedAt, code }) =>
      finishedAt !== null && finishedAt >= from && startedAt !== null && !shut.has(code ?? ""),
  );
  const failedIds = new Set(ended.filter(({ status }) => status === "failed").map(({ id }) => id));
  const lost = attempts.filter(({ cause }) => ["error", "timeout", "crashed", "lost"].includes(String(cause)));
  const last = new Map<string, number>();
  for (const { job_id: id, ended_at: at } of lost)
    last.set(String(id), Math.max(last.get(String(id)) ?? 0, Number(at)));
  const retried = lost.filter(
    ({ job_id: id, ended_at: at }) => !(failedIds.has(String(id)) && last.get(String(id)) === Number(at)),
  );
  const nameOf = new Map(all.map(({ id, name }) => [id, name]));
  const minutes = Array.from({ length: 60 }, (_, index) => {
    const at = from + index * minuteMs;
    const within = (instant: number | null): boolean => instant !== null && instant >= at && instant < at + minuteMs;
    const inIt = ended.filter(({ finishedAt }) => within(finishedAt));
    return {
      at: new Date(at).toISOString(),
      processed: count(inIt, "processed"),
      failed: count(inIt, "failed"),
      cancelled: count(inIt, "cancelled"),
      retried: retried.filter((attempt) => within(Number(attempt["ended_at"]))).length,
    };
  });
  const failing = [...new Set(all.map(({ name }) => name))]
    .map((name) => ({
      name,
      failed: ended.filter((row) => row.name === name && row.status === "failed").length,
      retried: retried.filter(({ job_id: id }) => nameOf.get(String(id)) === name).length,
      processed: ended.filter((row) => row.name === name && row.status === "processed").length,
    }))
    .filter((each) => each.failed + each.retried > 0)
    .toSorted((a, b) => b.failed - a.failed || b.retried - a.retried);
  const queues = [...new Set(all.map(({ queue }) => queue))].toSorted().map((queue) => {
    const inQueue = all.filter((row) => row.queue === queue);
    const endedInQueue = ended.filter((row) => row.queue === queue);
    return {
      queue,
      running: count(inQueue, "in_progress"),
      ready: count(inQueue, "queued"),
      delayed: count(inQueue, "delayed"),
      waiting: count(inQueue, "waiting"),
      processed: count(endedInQueue, "processed"),
      failed: count(endedInQueue, "failed"),
      cancelled: count(endedInQueue, "cancelled"),
    };
  });
  return {
    running: count(all, "in_progress"),
    ready: count(all, "queued"),
    delayed: count(all, "delayed"),
    waiting: count(all, "waiting"),
    failedLastHour: count(ended, "failed"),
    perMinute: minutes.at(-2)!.processed + minutes.at(-2)!.failed + minutes.at(-2)!.cancelled,
    processes: Number((await transporter.sql!.query(sqlOf(transporter).managers)).rows[0]?.["n"]),
    minutes,
    failing,
    queues,
  };
}

function numberOf(value: unknown): number | null {
  return value === null ? null : Number(value);
}

function codeOf(failure: unknown): string {
  return String(JSON.parse(typeof failure === "string" ? failure : "{}").code);
}

function count(list: readonly Row[], status: string): number {
  return list.filter((row) => row.status === status).length;
}

function jobOf(name: string, run: Parameters<typeof defineJob>[1]["run"], queue = "a") {
  return defineJob(name, { run, queue, backoff: 0 });
}
