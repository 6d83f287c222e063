import { DatabaseSync } from "node:sqlite";
import { Client } from "pg";
import { storeAt } from "../store-at.ts";
import type { ProofStore } from "../stores.ts";

/** How the jobs lie: one of a hundred has failed, one is delayed, one of twenty is ready, the others are processed. */
const queues = 12;
const names = 40;
const atOnce = 250_000;

/**
 * Fills a store with so many jobs, past the Transporter: millions of enqueues and settlements would take an hour. The tables are as those would have left
 * them, counters included.
 */
export async function fill(store: ProofStore, jobs: number): Promise<void> {
  const transporter = storeAt(store.address);
  await transporter.start();
  const now = await transporter.now();
  await transporter.stop();
  if (store.kind === "SQLite") fillSqlite(store.address, jobs, now);
  else await fillPostgres(store.address, jobs, now);
}

const status = "CASE WHEN i % 100 = 0 THEN 'failed' WHEN i % 100 = 1 THEN 'delayed' ELSE 'queued' END";
const ready = "status = 'queued' AND id % 20 = 5";
const done = "status = 'queued' AND id % 20 <> 5";

function fillSqlite(path: string, jobs: number, now: number): void {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000");
  const triggers = db
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'jobs_job'")
    .all();
  db.exec("BEGIN");
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${String(name)}`);
  for (let queue = 0; queue < queues; queue += 1) {
    db.prepare("INSERT INTO jobs_line (id, queue, lane) VALUES (?, ?, 'short')").run(100 + queue, `q${queue}`);
  }
  const at = `CAST(${now} - 3600000 + i / 1000 AS INTEGER)`;
  const ended = (ms: number): string => `CASE WHEN i % 100 = 0 THEN CAST(${now - ms} AS INTEGER) END`;
  const insert = db.prepare(`WITH RECURSIVE s (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM s WHERE i < ?)
    INSERT INTO jobs_job (id, name, queue, lane, status, base_priority, priority, attempts, fence, timeout_ms, delay_ms, created_at, ready_at,
      started_at, finished_at, line, input)
    SELECT i, 'name' || (i * 7 % ${names}), 'q' || (i % ${queues}), 'short', ${status}, 100, 100, 30, 1, 60000, 0, ${at}, ${at}, ${ended(1_000)},
      ${ended(500)}, 100 + i % ${queues}, '{"n":' || i || '}' FROM s`);
  for (let from = 1; from <= jobs; from += atOnce) insert.run(BigInt(from), BigInt(Math.min(jobs, from + atOnce - 1)));
  db.exec(`INSERT INTO jobs_ready SELECT line, (255 - priority) * 1024, id FROM jobs_job WHERE ${ready};
    INSERT INTO jobs_done SELECT line, id, 1, created_at + 10, created_at + 20, 'nobody', NULL FROM jobs_job WHERE ${done};
    INSERT INTO jobs_count SELECT queue, lane, 0, sum(status = 'delayed'), sum(${ready}), 0, sum(${done}), sum(status = 'failed'), 0
      FROM jobs_job GROUP BY queue, lane;
    UPDATE jobs_counter SET value = ${jobs} WHERE name = 'job'`);
  for (const { sql } of triggers) db.exec(String(sql));
  db.exec("COMMIT");
  db.close();
}

async function fillPostgres(address: string, jobs: number, now: number): Promise<void> {
  const schema = "provost_jobs";
  const at = `${now} - 3600000 + i / 1000`;
  const ended = (ms: number): string => `CASE WHEN i % 100 = 0 THEN ${now - ms} END`;
  const client = new Client(address);
  await client.connect();
  try {
    for (const sql of [
      `ALTER TABLE ${schema}.job DISABLE TRIGGER ALL`,
      `INSERT INTO ${schema}.job (id, created_at, ready_at, started_at, finished_at, delay_ms, timeout_ms, base_priority, priority, attempts, status,
          lane, queue, name, input)
        SELECT i, ${at}, ${at}, ${ended(1_000)}, ${ended(500)}, 0, 60000, 100, 100, 30, ${status}, 'short', 'q' || (i % ${queues}),
          'name' || (i * 7 % ${names}), '{"n":' || i || '}' FROM generate_series(1, ${jobs}) i`,
      `INSERT INTO ${schema}.ready (id, rank, used, late, plain, lane, queue, name)
        SELECT id, -priority, 0, false, true, lane, queue, name FROM ${schema}.job WHERE ${ready}`,
      `INSERT INTO ${schema}.done (id, started_at, finished_at, fence, lane, queue, claimed_by)
        SELECT id, created_at + 10, created_at + 20, 1, lane, queue, 'nobody' FROM ${schema}.job WHERE ${done}`,
      `INSERT INTO ${schema}.count (queue, lane, waiting, delayed, queued, in_progress, processed, failed, cancelled)
        SELECT queue, lane, 0, count(*) FILTER (WHERE status = 'delayed'), count(*) FILTER (WHERE ${ready}), 0,
          count(*) FILTER (WHERE ${done}), count(*) FILTER (WHERE status = 'failed'), 0 FROM ${schema}.job GROUP BY queue, lane`,
      `SELECT setval('${schema}.id', ${jobs + 1})`,
      `ALTER TABLE ${schema}.job ENABLE TRIGGER ALL`,
      "ANALYZE",
    ])
      await client.query(sql);
  } finally {
    await client.end();
  }
}
