import { join } from "node:path";
import {
  auditEntrySchema,
  createdTokenSchema,
  jobActResultSchema,
  jobCountsSchema,
  jobDetailSchema,
  jobFlowSchema,
  flowPageSchema,
  jobHintsSchema,
  jobLogSchema,
  jobsActedSchema,
  jobsActPreviewSchema,
  jobSchema,
  jobsOverviewSchema,
  jobWhySchema,
  pageSchema,
  queueSchema,
  scheduleDetailSchema,
  scheduleRunSchema,
  scheduleSchema,
  scheduleTickSchema,
  type JobView,
} from "@provost/contract";
import { defineJob, defineSchedule, flow, JobManager, typed, type Transporter } from "@provost/jobs";
import { sqlite } from "@provost/jobs/sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Calls } from "./calls.ts";
import { Running } from "./running.ts";

const fine = defineJob("fine", { queue: "user", run: () => ({ done: true, apiToken: "t0p" }) });
const bad = defineJob("bad", { queue: "user", run: ({ fail }) => fail(new RangeError("no such thing")) });
const flaky = defineJob("flaky", {
  queue: "user",
  backoff: 0,
  input: typed<{ times: number; password?: string }>(),
  run: ({ attempt, input, log, progress }) => {
    log(`attempt ${attempt}`, { left: input.times - attempt, secret: "s3cret" });
    progress({ attempt });
    if (attempt <= input.times) throw new RangeError("not yet");
  },
});
const unrun = defineJob("unrun", { queue: "other", run() {} });
const bulk = defineJob("bulk", { queue: "bulk", run() {} });
const nightly = defineSchedule("nightly", {
  cron: "0 3 * * *",
  timeZone: "Europe/Berlin",
  shards: 2,
  queue: "user",
  first: 0,
  run: ({ cursor }) => cursor + 1,
});
const gate = { held: Promise.withResolvers<void>() };
const slow = defineJob("slow", {
  queue: "user",
  run: ({ signal }) =>
    Promise.race([
      gate.held.promise,
      new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
    ]),
});

let running: Running;
let transporter: Transporter;
let manager: JobManager;
beforeAll(async () => {
  running = await Running.start();
  // A user's own worker, on the same store.
  transporter = sqlite(join(running.data, "provost.db"));
  manager = new JobManager({ transporter, jobs: [fine, bad, flaky, slow, nightly], stopGrace: "100ms" });
  await manager.start();
});
afterEach(() => {
  gate.held.resolve();
  gate.held = Promise.withResolvers();
});
afterAll(async () => {
  await manager.stop();
  await transporter.stop();
  await running.stop();
});

const calls = new Calls(() => running);
const get: Calls["get"] = (schema, path) => calls.get(schema, path);
const post: Calls["post"] = (schema, path, body) => calls.post(schema, path, body);
const refused: Calls["refused"] = (method, path, body) => calls.refused(method, path, body);
const jobs = pageSchema(jobSchema);
const ids = (page: { items: JobView[] }): string[] => page.items.map(({ id }) => id);

async function ended(id: string): Promise<string> {
  await manager.finished(id);
  return id;
}

describe("L15 jobs over HTTP", () => {
  test("lists by every qualifier, newest first, page by page; counts them; knows them by id and key", async () => {
    const done = [await ended((await manager.enqueue(fine)).id), await ended((await manager.enqueue(fine)).id)];
    const failed = await ended((await manager.enqueue(bad)).id);
    const keyed = (await manager.enqueue(unrun, undefined, { unique: "only-one", priority: 7 })).id;
    const page = await get(jobs, "/v1/jobs?queue=user&name=fine&status=processed&limit=1");
    expect(ids(page)).toEqual([done[1]]);
    expect(ids(await get(jobs, `/v1/jobs?queue=user&name=fine&status=processed&limit=1&after=${page.next}`))).toEqual([
      done[0],
    ]);
    const both = await get(jobs, "/v1/jobs?queue=user&status=processed,failed");
    expect(ids(both)).toEqual([failed, done[1], done[0]]);
    expect(both.items[0]).toMatchObject({
      name: "bad",
      status: "failed",
      process: manager.id,
      failure: { code: "handler_failed", message: "no such thing" },
    });
    expect(ids(await get(jobs, "/v1/jobs?priority=7"))).toEqual([keyed]);
    expect(ids(await get(jobs, "/v1/jobs?key=only-one"))).toEqual([keyed]);
    expect(ids(await get(jobs, `/v1/jobs?id=${keyed}`))).toEqual([keyed]);
    expect(ids(await get(jobs, `/v1/jobs?id=${keyed}&queue=user`))).toEqual([]);
    const all = await get(jobCountsSchema, "/v1/jobs/counts?queue=user");
    expect(all).toMatchObject({ processed: { count: 2, capped: false }, failed: { count: 1 } });
    expect(await get(jobCountsSchema, "/v1/jobs/counts?name=fine")).toMatchObject({
      processed: { count: 2, capped: false },
      failed: { count: 0 },
    });
    expect(await refused("GET", "/v1/jobs?status=done")).toMatchObject({ status: 400, field: "status" });
    expect(await refused("GET", "/v1/jobs?colour=red")).toMatchObject({ status: 400 });
    expect(await refused("GET", "/v1/jobs/web-1")).toMatchObject({ status: 400, field: "id" });
    expect(await refused("GET", "/v1/jobs/99999999")).toMatchObject({ status: 404, code: "job_not_found" });
    await manager.cancel(keyed);
  });

  test("one job: its attempts, priorities, timeline, log and progress; secrets are masked in all of them", async () => {
    const { id } = await manager.enqueue(flaky, { times: 2, password: "hunter2" });
    await ended(id);
    await expect.poll(async () => (await manager.logs(id)).length).toBe(3);
    const answer = await running.call("GET", `/v1/jobs/${id}`);
    const text = await answer.text();
    expect(text).not.toContain("hunter2");
    const job = jobDetailSchema.parse(JSON.parse(text));
    expect(job).toMatchObject({
      status: "processed",
      input: { value: { times: 2, password: "[secret]" } },
      attempts: 30,
      attemptsUsed: 2,
    });
    expect(job.attemptList.map(({ attempt, cause, failure }) => [attempt, cause, failure?.message])).toEqual([
      [1, "error", "not yet"],
      [2, "error", "not yet"],
    ]);
    // L4: floor(100 × 29 / 30), floor(100 × 28 / 30).
    expect(job.priorities.map(({ priority, cause }) => [priority, cause])).toEqual([
      [100, "given"],
      [96, "error"],
      [93, "error"],
    ]);
    const runs = job.timeline.filter(({ status }) => status === "in_progress");
    expect(runs.length).toBeLessThanOrEqual(3);
    expect(job.timeline.at(-1)).toMatchObject({ status: "processed" });
    expect(job.timeline.at(-1)).not.toHaveProperty("to");
    for (const [index, { from }] of job.timeline.entries()) {
      if (index > 0) expect(from >= job.timeline[index - 1]!.from).toBe(true);
    }
    const log = await get(pageSchema(jobLogSchema), `/v1/jobs/${id}/logs?limit=2`);
    expect(log.items).toMatchObject([
      { message: "attempt 1", stream: "log", fields: { left: 1, secret: "[secret]" } },
      { message: "attempt 2" },
    ]);
    const more = await get(pageSchema(jobLogSchema), `/v1/jobs/${id}/logs?after=${log.next}`);
    expect(more.items.map(({ message }) => message)).toEqual(["attempt 3"]);
    const plain = await ended((await manager.enqueue(fine)).id);
    expect(await get(jobDetailSchema, `/v1/jobs/${plain}`)).toMatchObject({
      result: { value: { done: true, apiToken: "[secret]" } },
      priorities: [{ priority: 100, cause: "given" }],
    });
  });

  test("says why a job is not running, and what can be done about it", async () => {
    const { id } = await manager.enqueue(unrun);
    expect(await get(jobWhySchema, `/v1/jobs/${id}/why`)).toMatchObject({
      kind: "no-worker",
      queue: "other",
      actions: ["run-now", "cancel"],
    });
    await post(jobActResultSchema, `/v1/jobs/${id}/hold`);
    expect(await get(jobWhySchema, `/v1/jobs/${id}/why`)).toMatchObject({
      kind: "held",
      actions: ["unhold", "cancel"],
    });
    await post(jobActResultSchema, `/v1/jobs/${id}/cancel`, {});
    expect(await get(jobWhySchema, `/v1/jobs/${id}/why`)).toMatchObject({ kind: "final", actions: ["retry"] });
  });

  test("L6 a flow as a tree with times; a big stage in counts and pages", async () => {
    const big = flow(fine)
      .then(Array.from({ length: 60 }, () => unrun))
      .then(fine);
    const { id: flowId, jobIds } = await manager.enqueue(big);
    await ended(jobIds[0]!);
    await expect.poll(async () => (await manager.get(jobIds[1]!))?.status).toBe("queued");
    const tree = await get(jobFlowSchema, `/v1/jobs/${jobIds[5]}/flow`);
    expect(tree).toMatchObject({ id: flowId, status: "running", jobs: 62 });
    const [first, second, third] = tree.stages;
    expect(first).toMatchObject({ state: "passed", counts: { processed: 1 }, jobs: [{ name: "fine" }] });
    expect(first?.jobs[0]?.startedAt).toBeDefined();
    expect(second).toMatchObject({ state: "open", counts: { queued: 60 }, next: "0" });
    expect(second?.jobs).toHaveLength(50);
    expect(third).toMatchObject({ state: "waiting", counts: { waiting: 1 } });
    const stage = `/v1/jobs/${jobIds[5]}/flow/stages/${second?.id}`;
    const page = await get(flowPageSchema, `${stage}?limit=40`);
    const rest = await get(flowPageSchema, `${stage}?limit=40&after=${page.next}`);
    expect([...page.items, ...rest.items].map(({ id }) => id)).toEqual(jobIds.slice(1, 61));
    expect(rest.next).toBeUndefined();
    expect(ids(await get(jobs, `/v1/jobs?flow=${flowId}&limit=3`))).toEqual(jobIds.slice(-3).toReversed());
    expect(await get(jobCountsSchema, `/v1/jobs/counts?flow=${flowId}&name=unrun`)).toMatchObject({
      queued: { count: 60, capped: false },
      waiting: { count: 0 },
    });
    const alone = await ended((await manager.enqueue(fine)).id);
    expect(await refused("GET", `/v1/jobs/${alone}/flow`)).toMatchObject({ status: 404, code: "flow_not_found" });
    await manager.cancelFlow(flowId);
  });

  test("L4 L5 L10 acts on one job are done, refused with the reason, and written down with who did it", async () => {
    const { id } = await manager.enqueue(unrun);
    expect(await post(jobActResultSchema, `/v1/jobs/${id}/move`, { queue: "elsewhere", priority: 3 })).toEqual({
      id,
      state: "applied",
    });
    expect(await get(jobDetailSchema, `/v1/jobs/${id}`)).toMatchObject({
      queue: "elsewhere",
      priority: 3,
      basePriority: 3,
      status: "queued",
    });
    expect(await refused("POST", `/v1/jobs/${id}/retry`)).toMatchObject({ status: 409, code: "job_refused" });
    expect(await refused("POST", `/v1/jobs/${id}/move`, {})).toMatchObject({ status: 400, code: "invalid_request" });
    expect(await refused("POST", "/v1/jobs/99999999/cancel")).toMatchObject({ status: 404 });
    const { id: late } = await manager.enqueue(fine, undefined, { after: "1h" });
    await post(jobActResultSchema, `/v1/jobs/${late}/run-now`);
    await ended(late);
    const failed = await ended((await manager.enqueue(bad)).id);
    await post(jobActResultSchema, `/v1/jobs/${failed}/retry`);
    await ended(failed);
    const { id: at } = await manager.enqueue(slow);
    await expect.poll(async () => (await manager.get(at))?.status).toBe("in_progress");
    expect(await post(jobActResultSchema, `/v1/jobs/${at}/cancel`)).toEqual({ id: at, state: "requested" });
    expect((await manager.finished(at)).status).toBe("cancelled");
    expect(await post(jobActResultSchema, `/v1/jobs/${id}/cancel`)).toMatchObject({ state: "applied" });
    expect(await get(jobDetailSchema, `/v1/jobs/${id}`)).toMatchObject({
      failure: { code: "cancelled", message: "cancelled by admin" },
    });
    const audit = pageSchema(auditEntrySchema);
    const lines = (await get(audit, "/v1/audit?action=job.move")).items;
    expect(
      lines.map(({ outcome, code, target, before, after, actor }) => ({
        outcome,
        code,
        target,
        before,
        after,
        by: actor.name,
      })),
    ).toEqual([
      { outcome: "refused", code: "invalid_request", target: { name: id }, by: "admin" },
      {
        outcome: "done",
        target: { id, name: "unrun" },
        before: { status: "queued", queue: "other", priority: 100 },
        after: { state: "applied", queue: "elsewhere", priority: 3 },
        by: "admin",
      },
    ]);
    expect((await get(audit, "/v1/audit?action=job.cancel")).items.map(({ outcome }) => outcome).slice(0, 3)).toEqual([
      "done",
      "done",
      "refused",
    ]);
  });

  test("an act on all that fit is confirmed by number and reach: what has come since is not met", async () => {
    for (let each = 0; each < 30; each += 1) await manager.enqueue(bulk);
    const order = { action: "cancel", filter: { queue: "bulk", name: "bulk" } };
    const preview = await post(jobsActPreviewSchema, "/v1/jobs/actions/preview", order);
    expect(preview.count).toBe(30);
    expect(preview.sample).toHaveLength(20);
    expect(preview.sample[0]).toMatchObject({ id: preview.through, name: "bulk", status: "queued" });
    const { id: newer } = await manager.enqueue(bulk);
    expect(await refused("POST", "/v1/jobs/actions", { ...order, count: 30 })).toMatchObject({
      status: 409,
      code: "jobs_changed",
    });
    const { count, through } = preview;
    expect(await post(jobsActedSchema, "/v1/jobs/actions", { ...order, count, through })).toEqual({
      matched: 30,
      applied: 30,
      requested: 0,
      refused: 0,
      reasons: {},
    });
    expect(await get(jobCountsSchema, "/v1/jobs/counts?queue=bulk")).toMatchObject({
      queued: { count: 1 },
      cancelled: { count: 30 },
    });
    const [line] = (await get(pageSchema(auditEntrySchema), "/v1/audit?action=job.cancel&limit=1")).items;
    expect(line).toMatchObject({ target: { name: "cancel 30" }, after: { applied: 30, filter: { queue: "bulk" } } });
    expect(
      await refused("POST", "/v1/jobs/actions/preview", { ...order, action: "retry", filter: { queue: "none" } }),
    ).toMatchObject({
      status: 422,
      code: "jobs_empty",
    });
    expect(await refused("POST", "/v1/jobs/actions/preview", { ...order, action: "move" })).toMatchObject({
      status: 400,
    });
    expect(
      await refused("POST", "/v1/jobs/actions", { action: "retry", filter: { name: "nobody" }, count: 1 }),
    ).toMatchObject({
      code: "jobs_empty",
    });
    await post(jobsActedSchema, "/v1/jobs/actions", {
      action: "move",
      queue: "bulk-2",
      filter: { queue: "bulk" },
      count: 1,
    });
    expect(await get(jobDetailSchema, `/v1/jobs/${newer}`)).toMatchObject({ queue: "bulk-2" });
    await manager.cancel(newer);
  });
});

describe("L17 many at once", () => {
  test("one whose unique key another holds by now is refused; the others are retried", async () => {
    const failed: string[] = [];
    for (let each = 0; each < 5; each += 1) {
      const { id } = await manager.enqueue(bad, undefined, each === 2 ? { unique: "taken" } : {});
      failed.push(await ended(id));
    }
    const { id: holder } = await manager.enqueue(unrun, undefined, { unique: "taken" });
    await post(queueSchema, "/v1/queues/user/pause");
    const filter = { name: "bad", status: "failed" };
    const { count, through } = await post(jobsActPreviewSchema, "/v1/jobs/actions/preview", {
      action: "retry",
      filter,
    });
    expect(count).toBeGreaterThanOrEqual(5);
    expect(await post(jobsActedSchema, "/v1/jobs/actions", { action: "retry", filter, count, through })).toEqual({
      matched: count,
      applied: count - 1,
      requested: 0,
      refused: 1,
      reasons: { "unique-key": 1 },
    });
    expect(await refused("POST", `/v1/jobs/${failed[2]}/retry`)).toMatchObject({ status: 409, code: "job_refused" });
    await post(jobsActedSchema, "/v1/jobs/actions", { action: "cancel", filter: { name: "bad" }, count });
    await manager.cancel(holder);
    await post(queueSchema, "/v1/queues/user/resume");
  });
});

describe("L2 L14 queues over HTTP", () => {
  test("are told with their depth and use, paused, resumed and limited; each is in the audit log", async () => {
    const { id } = await manager.enqueue(slow);
    await expect.poll(async () => (await manager.get(id))?.status).toBe("in_progress");
    const page = await get(pageSchema(queueSchema), "/v1/queues?limit=500");
    expect(page.items.map(({ name }) => name)).toEqual(page.items.map(({ name }) => name).toSorted());
    expect(page.items.find(({ name }) => name === "user")).toMatchObject({
      paused: false,
      running: 1,
      processes: 1,
      use: 1 / 64,
      lanes: [{ lane: "short", slots: 64, running: 1 }],
    });
    expect((await get(pageSchema(queueSchema), "/v1/queues?limit=1")).next).toBe(page.items[0]?.name);
    expect(await post(queueSchema, "/v1/queues/user/pause")).toMatchObject({ paused: true });
    const { id: held } = await manager.enqueue(fine);
    expect(await get(jobWhySchema, `/v1/jobs/${held}/why`)).toMatchObject({ kind: "paused", queue: "user" });
    const answer = await running.call("PATCH", "/v1/queues/user", { concurrency: 2, ratePerSecond: 5, agingMs: 1_000 });
    expect(queueSchema.parse(await answer.json())).toMatchObject({
      use: 0.5,
      limits: { concurrency: 2, ratePerSecond: 5, rateBurst: null, agingMs: 1_000, weight: 1 },
    });
    await running.call("PATCH", "/v1/queues/user", { concurrency: null, ratePerSecond: null, agingMs: null });
    expect(await get(queueSchema, "/v1/queues/user")).toMatchObject({
      limits: { concurrency: null, ratePerSecond: null, agingMs: null },
    });
    expect(await post(queueSchema, "/v1/queues/user/resume")).toMatchObject({ paused: false });
    await ended(held);
    const lines = (await get(pageSchema(auditEntrySchema), "/v1/audit?target=user&limit=4")).items;
    expect(lines.map(({ action, before, after }) => [action, before, after])).toEqual([
      ["queue.resume", { paused: true }, { paused: false }],
      [
        "queue.set-limits",
        { concurrency: 2, ratePerSecond: 5, agingMs: 1_000 },
        { concurrency: null, ratePerSecond: null, agingMs: null },
      ],
      [
        "queue.set-limits",
        { concurrency: null, ratePerSecond: null, agingMs: null },
        { concurrency: 2, ratePerSecond: 5, agingMs: 1_000 },
      ],
      ["queue.pause", { paused: false }, { paused: true }],
    ]);
    expect(await refused("GET", "/v1/queues/none")).toMatchObject({ status: 404, code: "queue_not_found" });
    expect(await refused("PATCH", "/v1/queues/user", { concurrency: 0 })).toMatchObject({ field: "concurrency" });
    expect(await refused("PATCH", "/v1/queues/user", { rateBurst: 3 })).toMatchObject({ field: "rateBurst" });
  });
});

describe("L13 schedules over HTTP", () => {
  test("in words, with the next runs in a zone, the log and the cursors; run, paused and resumed by hand", async () => {
    const page = await get(pageSchema(scheduleSchema), "/v1/schedules");
    const listed = page.items.find(({ name }) => name === "nightly");
    expect(listed).toMatchObject({
      state: "active",
      words: "at 03:00 every day (Europe/Berlin)",
      rule: "0 3 * * *",
      timeZone: "Europe/Berlin",
      shards: 2,
      overlap: "skip",
    });
    const fired = await post(scheduleRunSchema, "/v1/schedules/nightly/run");
    expect(fired.shards.map(({ state }) => state)).toEqual(["started", "started"]);
    for (const { jobId } of fired.shards) await ended(jobId!);
    expect((await post(scheduleRunSchema, "/v1/schedules/nightly/run", { shards: [1] })).shards).toHaveLength(1);
    await expect
      .poll(async () => (await get(scheduleDetailSchema, "/v1/schedules/nightly")).recent.map(({ outcome }) => outcome))
      .toEqual(["processed", "processed", "processed"]);
    const one = await get(scheduleDetailSchema, "/v1/schedules/nightly?runs=3&zone=America/New_York");
    expect(one).toMatchObject({ zone: "America/New_York", cursors: [1, 2] });
    expect(one.nextRuns).toHaveLength(3);
    expect(one.nextRuns[0]?.at).toBe(listed?.nextDueAt);
    expect(one.nextRuns[0]?.local).toMatch(/^\d{4}-\d\d-\d\d 2[12]:00:00 (?:GMT-[45]|E[SD]T)$/);
    const own = await get(scheduleDetailSchema, "/v1/schedules/nightly?runs=1");
    expect(own.nextRuns[0]?.local).toMatch(/ 03:00:00 /);
    const ticks = await get(pageSchema(scheduleTickSchema), "/v1/schedules/nightly/ticks?limit=1");
    expect(ticks.items).toMatchObject([{ shard: 1, outcome: "processed", cursorBefore: 1, cursorAfter: 2 }]);
    const older = await get(pageSchema(scheduleTickSchema), `/v1/schedules/nightly/ticks?limit=1&after=${ticks.next}`);
    // Both shards of an instant stand on one page.
    expect(older.items.map(({ shard }) => shard)).toEqual([0, 1]);
    expect(older.next).toBeUndefined();
    expect(await post(scheduleSchema, "/v1/schedules/nightly/pause")).toMatchObject({ state: "paused" });
    expect(await get(scheduleDetailSchema, "/v1/schedules/nightly")).not.toHaveProperty("nextDueAt");
    expect(await post(scheduleSchema, "/v1/schedules/nightly/resume")).toMatchObject({ state: "active" });
    expect(await refused("GET", "/v1/schedules/none")).toMatchObject({ status: 404, code: "schedule_not_found" });
    expect(await refused("GET", "/v1/schedules/nightly?zone=Mars")).toMatchObject({ status: 400, field: "zone" });
    expect(await refused("POST", "/v1/schedules/nightly/run", { shards: [9] })).toMatchObject({ status: 400 });
    const actions = (await get(pageSchema(auditEntrySchema), "/v1/audit?target=nightly")).items;
    expect(actions.filter(({ outcome }) => outcome === "done").map(({ action }) => action)).toEqual([
      "schedule.resume",
      "schedule.pause",
      "schedule.run",
      "schedule.run",
    ]);
  });
});

describe("L15 live", () => {
  test("the overview comes at once and when it changes, hints name what has run here, the stream ends with the server's", async () => {
    const stop = new AbortController();
    const answer = await fetch(`${running.server.url}/v1/jobs/stream`, {
      headers: { authorization: `Bearer ${running.token}` },
      signal: stop.signal,
    });
    expect(answer.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = messages(answer.body!);
    const first = await events.next();
    expect(first.value?.event).toBe("overview");
    const before = jobsOverviewSchema.parse(first.value?.data);
    await manager.enqueue(unrun, undefined, { after: "1h" });
    const changed = await untilEvent(events, "overview");
    expect(jobsOverviewSchema.parse(changed).delayed).toBe(before.delayed + 1);
    // The server's own manager runs an adoption's or a deploy's jobs: those are hinted at.
    const { id } = await deployed();
    const hints = jobHintsSchema.parse(await untilEvent(events, "jobs"));
    expect(hints.ids.length).toBeGreaterThan(0);
    expect(hints.names.some((name) => name.startsWith("instance."))).toBe(true);
    expect(id).toBeDefined();
    stop.abort();
  });
});

describe("C15 who may what", () => {
  test("a viewer sees, and does nothing; an operator does not stop a process", async () => {
    const viewer = await token("viewer");
    const operator = await token("operator");
    for (const path of ["/v1/jobs", "/v1/jobs/overview", "/v1/queues", "/v1/schedules", "/v1/processes"])
      expect([path, await statusOf("GET", path, viewer)]).toEqual([path, 200]);
    for (const path of [
      "/v1/jobs/1/cancel",
      "/v1/queues/user/pause",
      "/v1/schedules/nightly/run",
      "/v1/processes/x/quiet",
    ])
      expect([path, await statusOf("POST", path, viewer)]).toEqual([path, 403]);
    expect(await statusOf("POST", "/v1/processes/x/stop", operator)).toBe(403);
    expect(await statusOf("POST", "/v1/processes/x/quiet", operator)).toBe(404);
  });
});

interface Message {
  event: string;
  data: unknown;
}

async function* messages(body: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  let text = "";
  for await (const part of body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      const event = /^event: (.*)$/m.exec(text.slice(0, end))?.[1];
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) };
    }
  }
}

async function untilEvent(events: AsyncGenerator<Message>, wanted: string): Promise<unknown> {
  for (;;) {
    const { value, done } = await events.next();
    if (done === true) throw new RangeError(`the stream ended before an event ${wanted}`);
    if (value.event === wanted) return value.data;
  }
}

async function deployed(): Promise<{ id: unknown }> {
  return (await (await running.call("POST", "/v1/instances", { name: "web-1", provider: "sandbox" })).json()) as {
    id: unknown;
  };
}

/** The headers of a new token of this role. */
async function token(role: string): Promise<Record<string, string>> {
  const answer = await running.call("POST", "/v1/tokens", { name: role, role });
  return { authorization: `Bearer ${createdTokenSchema.parse(await answer.json()).token}` };
}

async function statusOf(method: string, path: string, headers: Record<string, string>): Promise<number> {
  return (await running.call(method, path, undefined, headers)).status;
}
