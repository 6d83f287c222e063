/**
 * Schedules, their cursors, their log, and the leader's seat (L13).
 *
 * A run's end is seen by triggers, because a job ends in many ways (settlement, rescue, cancel) and each must move the log
 * and the cursor in the same act. They cost a comparison for jobs that are no runs. Of two runs of a shard that end out
 * of order the later fired one's cursor stays: job ids ascend, clocks may not.
 */
export const scheduleSchema = `
CREATE TABLE jobs_schedule (
  name TEXT PRIMARY KEY,
  timing TEXT NOT NULL,
  shards INTEGER NOT NULL,
  runs_max INTEGER NOT NULL,
  missed TEXT NOT NULL,
  queue TEXT NOT NULL,
  lane TEXT NOT NULL,
  priority INTEGER NOT NULL,
  timeout_ms INTEGER NOT NULL,
  next_due_at INTEGER,
  wanted_until INTEGER NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_schedule_due ON jobs_schedule (next_due_at) WHERE paused = 0;

CREATE TABLE jobs_shard (
  schedule TEXT NOT NULL,
  shard INTEGER NOT NULL,
  cursor TEXT,
  cursor_job_id INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (schedule, shard)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs_tick (
  schedule TEXT NOT NULL,
  shard INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  fired_at INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  job_id INTEGER,
  started_at INTEGER,
  finished_at INTEGER,
  cursor_before TEXT,
  cursor_after TEXT,
  PRIMARY KEY (schedule, shard, due_at)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX jobs_tick_job ON jobs_tick (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX jobs_tick_unfinished ON jobs_tick (schedule, shard) WHERE outcome = 'fired';

ALTER TABLE jobs_job ADD COLUMN is_run INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER jobs_run_ended AFTER UPDATE OF finished_at ON jobs_job
WHEN NEW.is_run = 1 AND NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL
BEGIN
  UPDATE jobs_tick SET outcome = NEW.status, started_at = NEW.started_at, finished_at = NEW.finished_at,
    cursor_after = CASE WHEN NEW.status = 'processed'
      THEN coalesce((SELECT result FROM jobs_outcome WHERE id = NEW.id), cursor_before) ELSE cursor_before END
    WHERE job_id = NEW.id;
  UPDATE jobs_shard SET cursor = o.result, cursor_job_id = NEW.id FROM jobs_tick AS t JOIN jobs_outcome AS o ON o.id = t.job_id
    WHERE t.job_id = NEW.id AND NEW.status = 'processed' AND o.result IS NOT NULL
      AND jobs_shard.schedule = t.schedule AND jobs_shard.shard = t.shard AND jobs_shard.cursor_job_id <= NEW.id;
END;

CREATE TRIGGER jobs_run_again AFTER UPDATE OF finished_at ON jobs_job
WHEN NEW.is_run = 1 AND NEW.finished_at IS NULL AND OLD.finished_at IS NOT NULL
BEGIN
  UPDATE jobs_tick SET outcome = 'fired', started_at = NULL, finished_at = NULL, cursor_after = NULL WHERE job_id = NEW.id;
END;

CREATE TABLE jobs_leader (
  seat TEXT PRIMARY KEY, manager TEXT NOT NULL, fence INTEGER NOT NULL, held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;
