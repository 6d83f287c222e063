import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClaimRequest, Transporter } from "../transporter.ts";
import { sqlite } from "./index.ts";
import { migrations } from "./schema.ts";

/** The version that stores were first written with. */
const oldVersion = 14;

const at = Date.now() - 60_000;
const request: ClaimRequest = { queue: "q", lane: "short", names: ["work"], limit: 10, leaseMs: 10_000, started: true };

let folder = "";
let store: Transporter;

/** A store as version 14 left it: a job in each status, on each road. */
function writeOld(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("CREATE TABLE jobs_migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
  for (const { version, sql } of migrations) {
    if (version > oldVersion) continue;
    db.exec(sql);
    db.prepare("INSERT INTO jobs_migration (version, applied_at) VALUES (?, ?)").run(version, at);
  }
  const insert =
    db.prepare(`INSERT INTO jobs_job (id, name, queue, lane, status, base_priority, priority, attempts, attempts_used,
      fence, timeout_ms, delay_ms, created_at, ready_at, started_at, lease_until, finished_at, claimed_by, limit_key, parked, directed)
    VALUES (?, 'work', ?, ?, ?, 200, ?, 10, ?, ?, 1000, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const add = (id: number, status: string, more: Partial<Record<string, number | string>> = {}): void => {
    const given = (key: string): number | string | null => more[key] ?? null;
    const place = [more["queue"] ?? "q", more["lane"] ?? "short", status, more["priority"] ?? 100] as const;
    const rest = [more["used"] ?? 0, more["fence"] ?? 0, at, more["readyAt"] ?? at] as const;
    const ends = [given("startedAt"), given("leaseUntil"), given("finishedAt"), given("claimedBy")] as const;
    insert.run(id, ...place, ...rest, ...ends, given("limitKey"), more["parked"] ?? -1, given("directed"));
    db.prepare("INSERT INTO jobs_input (id, input) VALUES (?, ?)").run(id, `{"n":${id}}`);
  };
  add(1, "queued");
  add(2, "queued", { used: 1, fence: 1 });
  add(3, "queued", { priority: 101 });
  add(4, "delayed", { readyAt: at });
  add(5, "in_progress", { fence: 3, startedAt: at, leaseUntil: at + 10_000, claimedBy: "gone" });
  add(6, "processed", { fence: 1, startedAt: at, finishedAt: at + 1, claimedBy: "gone" });
  add(7, "failed", { fence: 2, startedAt: at, finishedAt: at + 2, claimedBy: "gone" });
  add(8, "queued", { limitKey: "k", parked: 0 });
  add(9, "queued", { directed: at, queue: "other" });
  add(10, "queued", { lane: "long" });
  db.exec(
    `INSERT INTO jobs_outcome (id, result, failure) VALUES (6, '"done"', NULL), (7, NULL, '{"code":"x","message":"y"}')`,
  );
  db.exec("UPDATE jobs_counter SET value = 10 WHERE name = 'job'");
  db.close();
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "provost-jobs-"));
  const path = join(folder, "jobs.db");
  writeOld(path);
  store = sqlite(path);
  await store.start();
});

afterEach(async () => {
  await store.stop();
  rmSync(folder, { recursive: true });
});

describe("L11 a store of an older version comes over with its data", () => {
  it("L11 jobs keep what they are, with inputs, results and failures", async () => {
    const jobs = await store.get(Array.from({ length: 10 }, (_, index) => String(index + 1)));
    expect(jobs.map(({ status }) => status)).toEqual([
      "queued",
      "queued",
      "queued",
      "delayed",
      "in_progress",
      "processed",
      "failed",
      "queued",
      "queued",
      "queued",
    ]);
    expect(jobs.map(({ input }) => input)).toEqual(jobs.map(({ id }) => `{"n":${id}}`));
    expect(jobs[5]).toMatchObject({ result: '"done"', fence: 1, finishedAt: at + 1, claimedBy: "gone" });
    expect(jobs[6]).toMatchObject({ failure: { code: "x" } });
    for (const { id, status } of jobs) {
      expect((await store.list({ status, limit: 10 })).map((job) => job.id)).toContain(id);
    }
  });

  it("L15 counts go on from what they were", async () => {
    const none = { waiting: 0, delayed: 0, queued: 0, in_progress: 0, processed: 0, failed: 0, cancelled: 0 };
    await store.enqueue([
      {
        job: {
          name: "work",
          queue: "q",
          lane: "long",
          input: "{}",
          priority: 1,
          attempts: 1,
          timeoutMs: 1_000,
          delayMs: 0,
        },
      },
    ]);
    expect((await store.sight.counts()).map(({ queue, lane, counts }) => ({ queue, lane, counts }))).toEqual([
      { queue: "other", lane: "short", counts: { ...none, queued: 1 } },
      { queue: "q", lane: "long", counts: { ...none, queued: 2 } },
      {
        queue: "q",
        lane: "short",
        counts: { ...none, queued: 4, delayed: 1, in_progress: 1, processed: 1, failed: 1 },
      },
    ]);
  });

  it("L1 L5 L14 ready ones are claimed in their order, the directed first, the parked not", async () => {
    const claimed = await store.claim([request], "new");
    expect(claimed.map(({ id, fence }) => [id, fence])).toEqual([
      ["9", 1],
      ["3", 1],
      ["1", 1],
      ["2", 2],
    ]);
    expect(claimed.map(({ input }) => input)).toEqual(claimed.map(({ id }) => `{"n":${id}}`));
    const results = await store.settle(
      claimed.map(({ id, fence, version }) => ({ id, fence, version, outcome: { kind: "processed", result: id } })),
    );
    expect(results).toEqual(claimed.map(() => ({ state: "applied" })));
    expect((await store.get(["1", "9"])).map(({ status, result }) => [status, result])).toEqual([
      ["processed", "1"],
      ["processed", "9"],
    ]);
    expect(await store.promote(10)).toMatchObject({ promoted: 1 });
    expect((await store.claim([request], "new")).map(({ id }) => id)).toEqual(["4"]);
  });

  it("L3 L9 an attempt that ran is its claimant's, and is rescued when its lease has run out", async () => {
    const [expired] = await store.expired(10);
    expect(expired).toMatchObject({ id: "5", fence: 3, started: true, claimedBy: "gone" });
    expect(await store.renew([{ id: "5", fence: 3, leaseMs: 10_000 }])).toEqual(["renewed"]);
    const outcome = { kind: "processed" } as const;
    expect(await store.settle([{ id: "5", fence: 3, version: 0, outcome }])).toEqual([{ state: "applied" }]);
    expect((await store.get(["5"]))[0]).toMatchObject({ status: "processed" });
  });

  it("L17 what had ended is pruned", async () => {
    expect(await store.keeping.prune({ processedMs: 1_000, badMs: 1_000 }, 10)).toMatchObject({ jobs: 2 });
    expect(await store.get(["6", "7"])).toEqual([]);
  });
});
