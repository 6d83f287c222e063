import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NewJob, Transporter } from "../transporter.ts";
import { briefs, byKey, claimedBy, find, members } from "./operations/browse.ts";
import { counts, managers, progress, stages } from "./operations/sight.ts";
import { attempts } from "./operations/read.ts";
import { queues } from "./operations/queue.ts";
import { readLines, readMinutes } from "./operations/watch.ts";
import { sqlite } from "./index.ts";
import { Session } from "./session.ts";

/** Remembers what is asked of the file. */
class Told extends Session {
  readonly statements = new Set<string>();

  override prepare(sql: string): StatementSync {
    this.statements.add(sql);
    return super.prepare(sql);
  }
}

/** As many rows as there are jobs, or ends, or lines. */
const large = new Set([
  "jobs_job",
  "jobs_done",
  "jobs_ready",
  "jobs_attempt",
  "jobs_log",
  "jobs_minute",
  "jobs_flow",
  "jobs_stage",
  "jobs_input",
  "jobs_outcome",
  "jobs_unique",
  "j",
  "h",
  "o",
  "s",
  "d",
  "i",
]);

let folder = "";
let store: Transporter;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "provost-jobs-"));
  store = sqlite(join(folder, "jobs.db"));
  await store.start();
  const job: NewJob = {
    name: "work",
    queue: "q",
    lane: "short",
    input: "{}",
    priority: 100,
    attempts: 3,
    timeoutMs: 1_000,
    delayMs: 0,
  };
  await store.enqueue(
    Array.from({ length: 2_000 }, (_, n) => ({
      job: { ...job, name: `n${n % 5}`, priority: n % 3, delayMs: n % 7 === 0 ? 60_000 : 0 },
    })),
  );
  const names = ["n0", "n1", "n2", "n3", "n4"];
  const claimed = await store.claim(
    [{ queue: "q", lane: "short", names, limit: 900, leaseMs: 10_000, started: true }],
    "m",
  );
  const failure = { code: "x", message: "y" };
  await store.settle(
    claimed.slice(0, 800).map(({ id, fence, version }, n) => ({
      id,
      fence,
      version,
      outcome:
        n % 4 === 0
          ? { kind: "failed" as const, cause: "error" as const, attemptsUsed: 3, crashes: 0, errors: 1, failure }
          : { kind: "processed" as const },
    })),
  );
});
afterAll(async () => {
  await store.stop();
  rmSync(folder, { recursive: true });
});

describe("L15 plans of what is seen: SQLite", () => {
  it("L15 nothing scans a large table, but for a walk in the order of ids that its limit ends", () => {
    const db = new DatabaseSync(join(folder, "jobs.db"), { readOnly: true });
    const session = new Told(db);
    session.now = Date.now();
    const limit = 100;
    const looksMax = 1_000;
    const found = [
      find(session, { limit, looksMax }),
      find(session, { name: "n1", limit, looksMax }),
      find(session, { priority: 1, before: "1500", limit, looksMax }),
      find(session, { queue: "q", limit, looksMax }),
      find(session, { statuses: ["processed", "failed"], limit, looksMax }),
      find(session, {
        statuses: ["queued", "in_progress", "delayed", "waiting"],
        name: "n1",
        priority: 2,
        limit,
        looksMax,
      }),
      find(session, { flowId: "1", statuses: ["failed"], limit, looksMax }),
    ];
    expect(found.slice(0, 6).every(({ ids }) => ids.length > 0)).toBe(true);
    briefs(session, ["1"]);
    members(session, "1");
    byKey(session, "k");
    claimedBy(session, "m", 10);
    counts(session);
    managers(session);
    queues(session);
    stages(session, "1");
    attempts(session, "1");
    progress(session, "1");
    readMinutes(session, 0);
    readLines(session, { jobId: "1", limit });
    expect(session.statements.size).toBeGreaterThan(20);
    const scans: string[] = [];
    for (const sql of session.statements) {
      const plan = db
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail));
      const walk =
        /ORDER BY (?:\w+\.)?id DESC LIMIT \?$/.test(sql) && !plan.some((line) => line.includes("TEMP B-TREE"));
      for (const line of plan) {
        const table = /^SCAN (\w+)/.exec(line)?.[1];
        // By the index of running jobs: as few as there are slots.
        const running = line.includes("jobs_job_running") || sql.includes("jobs_running AS h");
        if (table !== undefined && large.has(table) && !walk && !running) scans.push(`${line}: ${sql}`);
      }
    }
    expect(scans).toEqual([]);
    db.close();
  });
});
