import { scheduleSchema } from "./schedule-schema.ts";
import { queueSchema } from "./queue-schema.ts";
import { sightSchema } from "./sight-schema.ts";
import { earSchema } from "./ear-schema.ts";
import { holdSchema } from "./hold-schema.ts";
import { hotSchema } from "./hot-schema.ts";
import { permitsSchema } from "./permits-schema.ts";
import { uniqueSchema } from "./unique-schema.ts";
import { watchSchema } from "./watch-schema.ts";

/**
 * The tables, by version. A migration that has shipped is never edited: what comes later is a new entry (`migrations.ts`).
 *
 * `jobs_job` is the hot row: every claim and settlement rewrites it, so that what may be large (input, result, failure)
 * lives apart and is not copied along. Ready, delayed, waiting, running and finished jobs are found by partial indexes:
 * a job stands in exactly one of them, and a claim walks ready ones only, whatever the number of the others (L2).
 *
 * `jobs_stage.state`: `waiting` gate closed, `open`, then `passed` or `failed`; `blocked` is a gate that cannot open any
 * more because of a failure before or above it. `remaining` counts members whose subtree is not finished, `bad` those that
 * ended badly: closing a stage of 10,000 costs one decrement for each end, never a count (L6).
 */
const first = `
CREATE TABLE jobs_counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO jobs_counter (name, value) VALUES ('job', 0);

CREATE TABLE jobs_host (
  one INTEGER PRIMARY KEY CHECK (one = 1), machine TEXT NOT NULL, boot TEXT NOT NULL, seen_at INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs_job (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  queue TEXT NOT NULL,
  lane TEXT NOT NULL,
  status TEXT NOT NULL,
  base_priority INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  attempts_used INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  fence INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0,
  timeout_ms INTEGER NOT NULL,
  delay_ms INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  woken INTEGER NOT NULL DEFAULT 0,
  flow_id INTEGER,
  parent_id INTEGER,
  stage_id INTEGER,
  ended_by INTEGER,
  unique_key TEXT,
  wake_key TEXT,
  created_at INTEGER NOT NULL,
  ready_at INTEGER NOT NULL,
  started_at INTEGER,
  lease_until INTEGER,
  finished_at INTEGER,
  claimed_by TEXT
) STRICT;
CREATE INDEX jobs_job_ready ON jobs_job (queue, lane, priority DESC, attempts_used, id) WHERE status = 'queued';
CREATE INDEX jobs_job_delayed ON jobs_job (ready_at) WHERE status = 'delayed';
CREATE INDEX jobs_job_running ON jobs_job (lease_until) WHERE status = 'in_progress';
CREATE INDEX jobs_job_waiting ON jobs_job (queue) WHERE status = 'waiting';
CREATE INDEX jobs_job_finished ON jobs_job (status) WHERE finished_at IS NOT NULL;
CREATE INDEX jobs_job_wake ON jobs_job (wake_key) WHERE wake_key IS NOT NULL AND finished_at IS NULL;
CREATE INDEX jobs_job_flow ON jobs_job (flow_id) WHERE flow_id IS NOT NULL;
CREATE INDEX jobs_job_stage ON jobs_job (stage_id) WHERE stage_id IS NOT NULL;
CREATE INDEX jobs_job_parent ON jobs_job (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE jobs_input (id INTEGER PRIMARY KEY, input TEXT NOT NULL) STRICT;
CREATE TABLE jobs_outcome (id INTEGER PRIMARY KEY, result TEXT, failure TEXT) STRICT;

CREATE TABLE jobs_attempt (
  job_id INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  cause TEXT NOT NULL,
  claimed_by TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  priority_before INTEGER NOT NULL,
  priority_after INTEGER NOT NULL,
  failure TEXT,
  PRIMARY KEY (job_id, fence)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs_flow (
  id INTEGER PRIMARY KEY,
  status TEXT NOT NULL,
  failed_job_id INTEGER,
  failure TEXT,
  on_failed_job_id INTEGER,
  unique_key TEXT,
  created_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT;

CREATE TABLE jobs_stage (
  id INTEGER PRIMARY KEY,
  flow_id INTEGER NOT NULL,
  parent_id INTEGER,
  position INTEGER NOT NULL,
  policy TEXT NOT NULL,
  state TEXT NOT NULL,
  remaining INTEGER NOT NULL DEFAULT 0,
  bad INTEGER NOT NULL DEFAULT 0,
  failed_job_id INTEGER
) STRICT;
CREATE UNIQUE INDEX jobs_stage_place ON jobs_stage (flow_id, coalesce(parent_id, 0), position);

CREATE TABLE jobs_unique (
  key TEXT PRIMARY KEY, holder INTEGER NOT NULL, is_flow INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs_wake (key TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_wake_at ON jobs_wake (at);
`;

export interface Migration {
  version: number;
  sql: string;
}

export const migrations: readonly Migration[] = [
  { version: 1, sql: first },
  { version: 11, sql: permitsSchema },
  { version: 12, sql: scheduleSchema },
  { version: 13, sql: queueSchema },
  { version: 14, sql: sightSchema },
  { version: 15, sql: holdSchema },
  { version: 16, sql: uniqueSchema },
  { version: 17, sql: hotSchema },
  { version: 18, sql: earSchema },
  { version: 19, sql: watchSchema },
];
