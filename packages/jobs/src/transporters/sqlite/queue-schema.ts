/**
 * Tables of L2's pause, L5, L14's limits and L16. Three roads lead to queued jobs, and a job stands on one of them:
 *
 * - `jobs_job_ready`: what an ordinary claim walks.
 * - `jobs_job_directed`: directed jobs of a lane, whatever their queue; empty nearly always.
 * - `jobs_job_parked`: jobs whose limit key was found full. They are walked over once, not at every claim, and come back with
 *   the settlement that frees their key. A job is parked for one version of itself (`parked = version`): whoever changes
 *   the job puts it back in line by that alone, and nothing has to remember to.
 *
 * Running jobs of a queue with a concurrency limit stand in `jobs_job_limited`, and their number is counted there at each claim: as many
 * as the limit lets run. A counter would be one more thing to settle, and could drift. Jobs of other queues never enter it.
 */
export const queueSchema = `
ALTER TABLE jobs_job ADD COLUMN limit_key TEXT;
ALTER TABLE jobs_job ADD COLUMN parked INTEGER NOT NULL DEFAULT -1;
ALTER TABLE jobs_job ADD COLUMN directed INTEGER;
ALTER TABLE jobs_job ADD COLUMN limited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs_job ADD COLUMN gate_forced_by TEXT;

DROP INDEX jobs_job_ready;
CREATE INDEX jobs_job_ready ON jobs_job (queue, lane, priority DESC, attempts_used, id)
  WHERE status = 'queued' AND parked <> version AND directed IS NULL;
CREATE INDEX jobs_job_directed ON jobs_job (lane, directed, id) WHERE status = 'queued' AND directed IS NOT NULL;
CREATE INDEX jobs_job_parked ON jobs_job (queue, limit_key, name, priority DESC, attempts_used, id)
  WHERE status = 'queued' AND parked = version;
CREATE INDEX jobs_job_limited ON jobs_job (queue, limit_key) WHERE status = 'in_progress' AND limited = 1;

CREATE TABLE jobs_queue (
  queue TEXT PRIMARY KEY,
  paused INTEGER NOT NULL,
  weight INTEGER NOT NULL,
  concurrency INTEGER,
  key_concurrency INTEGER,
  rate_per_second REAL,
  rate_burst INTEGER,
  aging_ms INTEGER,
  depth_max INTEGER,
  tokens REAL NOT NULL DEFAULT 0,
  tokens_at INTEGER NOT NULL DEFAULT 0,
  unparking INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_queue_depth ON jobs_queue (queue) WHERE depth_max IS NOT NULL;
CREATE INDEX jobs_queue_unparking ON jobs_queue (queue) WHERE unparking = 1;
`;
