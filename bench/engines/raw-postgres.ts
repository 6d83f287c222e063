import { Client, Pool } from "pg";
import { BenchError } from "../bench-error.ts";
import { type NewJob, type Open, type Payload, type Run, runAll } from "../engine.ts";

/** As FACTS.md found it fastest: deletes of 100 in four loops. */
const loops = 4;
const batch = 100;

const tables = `
CREATE TABLE IF NOT EXISTS job (
  id bigint GENERATED ALWAYS AS IDENTITY, priority smallint NOT NULL, run_at timestamptz NOT NULL, payload jsonb NOT NULL);
CREATE INDEX IF NOT EXISTS job_ready ON job (priority DESC, id);
`;
const insert = `
INSERT INTO job (priority, run_at, payload)
SELECT priority, now() + delay_ms * interval '1 millisecond', payload
FROM unnest($1::smallint[], $2::float8[], $3::jsonb[]) AS new (priority, delay_ms, payload)`;
const claim = `
DELETE FROM job WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM job WHERE run_at <= now() ORDER BY priority DESC, id LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING payload`;

/**
 * The floor: what PostgreSQL gives when nothing is kept. A claim deletes (no lease, no attempt, no result: a crash loses
 * what runs), with one index and one prepared statement.
 */
export const open: Open = async (connectionString, { quiet }) => {
  const pool = new Pool({ connectionString, max: 50 });
  const ear = new Client({ connectionString });
  await pool.query(tables);
  const ending = new AbortController();
  /** Resolved by the next notification. */
  let pulse = Promise.withResolvers<void>();
  const running: Promise<void>[] = [];

  const add = async (jobs: readonly NewJob[]): Promise<void> => {
    const text = quiet ? insert : `WITH added AS (${insert}) SELECT pg_notify('job', '')`;
    await pool.query({ name: "add", text, values: arraysOf(jobs) });
  };
  const take = async (limit: number): Promise<Payload[]> => {
    const { rows } = await pool.query<NewJob>({ name: "claim", text: claim, values: [limit] });
    return rows.map(({ payload }) => payload);
  };
  const wake = (): void => {
    pulse.resolve();
    pulse = Promise.withResolvers();
  };
  const loop = async (limit: number, run: Run): Promise<void> => {
    while (!ending.signal.aborted) {
      // Whoever is told between the claim and the wait is told of it here.
      const woken = pulse.promise;
      const payloads = await take(limit);
      await runAll(payloads, run);
      if (payloads.length === 0) await woken;
    }
  };

  return {
    addMany: add,
    add: async (job) => await add([job]),
    async work({ concurrency = loops * batch, run }) {
      ear.on("notification", wake);
      await ear.connect();
      await ear.query("LISTEN job");
      const each = Math.ceil(concurrency / loops);
      for (let count = 0; count < loops; count += 1) running.push(loop(each, run));
    },
    async unfinished() {
      const { rows } = await pool.query("SELECT 1 FROM job WHERE run_at <= now() LIMIT 1");
      return rows.length;
    },
    async claimOne() {
      const since = performance.now();
      if ((await take(1)).length === 0) throw new BenchError("not_ended", "no job was there to be claimed");
      return performance.now() - since;
    },
    async close() {
      ending.abort();
      wake();
      await Promise.all(running);
      await ear.end();
      await pool.end();
    },
  };
};

function arraysOf(jobs: readonly NewJob[]): unknown[] {
  return [
    jobs.map(({ first }) => (first === true ? 255 : 100)),
    jobs.map(({ delayMs }) => delayMs ?? 0),
    jobs.map(({ payload }) => JSON.stringify(payload)),
  ];
}
