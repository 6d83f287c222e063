/**
 * The tables. `schema` is the quoted name of the deployment's schema: several deployments share a database by it.
 *
 * - One row for each job, found by partial indexes: a claim walks `job_ready` alone, so that a million delayed or gated
 *   jobs cost the ready ones nothing (L2).
 * - `lease_until` stands in no index: a renewal then stays a heap-only update, and `expired` reads the running jobs, who
 *   are as few as there are slots.
 * - Payloads are `text`: `jsonb` refuses `\u0000` and rewrites numbers, and nothing here looks inside.
 * - Instants are ms since 1970 in `bigint`. No foreign keys: only the functions beside this file write, and every key
 *   check would be one more lock and look-up in the hot path.
 * - `unique_key` is a table of its own, so that jobs and flows share one space of keys, and a key can outlive or be freed
 *   apart from the row that is kept (L17).
 * - `wake_mark` stands apart from the job for the sake of running ones: a wake in a long open transaction must not hold the
 *   row that a renewal has to write (L7, L9).
 * - `stage.state`: `waiting` gate closed, `open`, then `passed` or `failed`; `blocked` cannot open any more. `unfinished`
 *   counts members whose subtree has not ended, `bad` those that ended badly: closing a gate never counts rows (L6).
 * - `job.subtree_ok` is null until the job and all below it have ended; `cause_job_id` then names the job to blame when it
 *   ended badly: itself, the one below that failed, or, for jobs that never ran, the one that shut their gate.
 * - Room is left in the pages, and vacuum comes at a fiftieth of the table, not a fifth: status changes are most of what
 *   happens here. Not more often: each one walks every index.
 */
export function tables(schema: string): string {
  return jobTables(schema) + flowTables(schema) + keyTables(schema);
}

function jobTables(schema: string): string {
  return `
CREATE SEQUENCE ${schema}.id AS bigint;

CREATE TABLE ${schema}.job (
  id bigint PRIMARY KEY,
  created_at bigint NOT NULL,
  ready_at bigint NOT NULL,
  started_at bigint,
  lease_until bigint,
  finished_at bigint,
  flow_id bigint,
  parent_id bigint,
  stage_id bigint,
  cause_job_id bigint,
  delay_ms bigint NOT NULL,
  timeout_ms bigint NOT NULL,
  fence integer NOT NULL DEFAULT 0,
  version integer NOT NULL DEFAULT 0,
  stage integer,
  base_priority smallint NOT NULL,
  priority smallint NOT NULL,
  attempts smallint NOT NULL,
  attempts_used smallint NOT NULL DEFAULT 0,
  crashes smallint NOT NULL DEFAULT 0,
  cancel_requested boolean NOT NULL DEFAULT false,
  has_children boolean NOT NULL DEFAULT false,
  subtree_ok boolean,
  status text NOT NULL,
  lane text NOT NULL,
  queue text NOT NULL,
  name text NOT NULL,
  claimed_by text,
  unique_key text,
  wake_key text,
  input text NOT NULL,
  result text,
  failure text
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0.2, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX job_ready ON ${schema}.job (queue, lane, priority DESC, attempts_used, id) WHERE status = 'queued';
CREATE INDEX job_delayed ON ${schema}.job (ready_at) WHERE status = 'delayed';
CREATE INDEX job_running ON ${schema}.job (id) WHERE status = 'in_progress';
CREATE INDEX job_ended_badly ON ${schema}.job (id) WHERE status IN ('failed', 'cancelled');
CREATE INDEX job_wake ON ${schema}.job (wake_key) WHERE wake_key IS NOT NULL AND finished_at IS NULL;
CREATE INDEX job_stage ON ${schema}.job (stage_id) WHERE stage_id IS NOT NULL;
CREATE INDEX job_flow ON ${schema}.job (flow_id, id) WHERE flow_id IS NOT NULL;

CREATE TABLE ${schema}.attempt (
  job_id bigint NOT NULL,
  started_at bigint NOT NULL,
  ended_at bigint NOT NULL,
  fence integer NOT NULL,
  priority_before smallint NOT NULL,
  priority_after smallint NOT NULL,
  cause text NOT NULL,
  claimed_by text NOT NULL,
  failure text,
  PRIMARY KEY (job_id, fence)
);
`;
}

function flowTables(schema: string): string {
  return `
CREATE TABLE ${schema}.flow (
  id bigint PRIMARY KEY,
  created_at bigint NOT NULL,
  finished_at bigint,
  failed_job_id bigint,
  on_failed_job_id bigint,
  status text NOT NULL,
  unique_key text,
  failure text
);

CREATE TABLE ${schema}.stage (
  id bigint PRIMARY KEY,
  flow_id bigint NOT NULL,
  parent_id bigint,
  failed_job_id bigint,
  position integer NOT NULL,
  unfinished integer NOT NULL,
  bad integer NOT NULL DEFAULT 0,
  policy text NOT NULL,
  state text NOT NULL
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX stage_of_parent ON ${schema}.stage (parent_id, position) WHERE parent_id IS NOT NULL;
CREATE UNIQUE INDEX stage_of_flow ON ${schema}.stage (flow_id, position) WHERE parent_id IS NULL;
`;
}

function keyTables(schema: string): string {
  return `
CREATE TABLE ${schema}.unique_key (key text PRIMARY KEY, job_id bigint, flow_id bigint);

CREATE TABLE ${schema}.wake_mark (job_id bigint PRIMARY KEY, marked_at bigint NOT NULL);
CREATE INDEX wake_mark_age ON ${schema}.wake_mark (marked_at);
CREATE TABLE ${schema}.wake_kept (key text PRIMARY KEY, kept_until bigint NOT NULL);
CREATE INDEX wake_kept_until ON ${schema}.wake_kept (kept_until);

CREATE TYPE ${schema}.claimed AS (
  id bigint, name text, queue text, lane text, input text, fence integer, version integer, base_priority smallint,
  priority smallint, attempts smallint, attempts_used smallint, crashes smallint, timeout_ms bigint,
  cancel_requested boolean, created_at bigint, ready_at bigint, flow_id bigint, parent_id bigint, wake_key text,
  started boolean, claimed_by text
);
`;
}

/** The columns of the type `claimed`, of the job row that goes by `alias`. */
export function claimedColumns(alias: string): string {
  const plain =
    "id name queue lane input fence version base_priority priority attempts attempts_used crashes timeout_ms " +
    "cancel_requested created_at ready_at flow_id parent_id wake_key";
  const columns = plain.split(" ").map((column) => `${alias}.${column}`);
  const made = ["started_at IS NOT NULL", "claimed_by", "directed IS NOT NULL", "errors"];
  return [...columns, ...made.map((column) => `${alias}.${column}`)].join(", ");
}

/**
 * Settings of every function that the Transporter calls: plans are made once, and each row is found by its index, one after
 * the other. The planner's other ways are right for the tables as they were when it looked: made on an empty table, a plan
 * is a scan of all of it, and claims decay with it (FACTS.md); not knowing a claim's LIMIT it merged 100 jobs with the whole primary key.
 * For the same reason no statement names a status that some other partial index is for: `status || ''` hides it.
 * The price that `enable_seqscan = off` puts on a scan of a table without a fitting index looks like work worth compiling: with
 * JIT on, 1,000 cancels took 3.4 s instead of 0.2 s. A lock is waited for, but not for ever (L14).
 */
export const functionSettings = `SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
  SET enable_mergejoin = off SET enable_hashjoin = off SET jit = off SET lock_timeout = '10s'`;

/** The store's clock (rule 9 of HOUSE.md): `clock_timestamp` and not `now`, which stands still in a transaction. */
export function clock(schema: string): string {
  return `
CREATE FUNCTION ${schema}.now_ms(p_offset_ms bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + p_offset_ms
$$;
`;
}
