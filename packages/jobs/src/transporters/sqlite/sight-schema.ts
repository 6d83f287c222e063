/**
 * Tables of L15 and L17.
 *
 * - `jobs_count` is kept by triggers, in the act that changes a job: one row for each queue and lane, so that a change of
 *   status is one update of a row that is in the cache already. There is one writer: nobody contends for it.
 * - `jobs_job_listed` finds the jobs of a line and status by id (an index on the rest ends with it): what is listed is walked
 *   to, never searched for. Running jobs stand in an index of their own and are few, so that a claim pays nothing for this.
 * - `jobs_job_kept` and `jobs_flow_kept` have what may be pruned, in the order of its end.
 */
export const sightSchema = `
CREATE TABLE jobs_count (
  queue TEXT NOT NULL,
  lane TEXT NOT NULL,
  waiting INTEGER NOT NULL,
  delayed INTEGER NOT NULL,
  queued INTEGER NOT NULL,
  in_progress INTEGER NOT NULL,
  processed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  PRIMARY KEY (queue, lane)
) STRICT, WITHOUT ROWID;
INSERT INTO jobs_count SELECT queue, lane, sum(status = 'waiting'), sum(status = 'delayed'), sum(status = 'queued'),
  sum(status = 'in_progress'), sum(status = 'processed'), sum(status = 'failed'), sum(status = 'cancelled')
  FROM jobs_job GROUP BY queue, lane;
CREATE TRIGGER jobs_count_added AFTER INSERT ON jobs_job BEGIN
  INSERT INTO jobs_count VALUES (new.queue, new.lane, new.status = 'waiting', new.status = 'delayed', new.status = 'queued',
    new.status = 'in_progress', new.status = 'processed', new.status = 'failed', new.status = 'cancelled')
  ON CONFLICT (queue, lane) DO UPDATE SET waiting = waiting + excluded.waiting, delayed = delayed + excluded.delayed,
    queued = queued + excluded.queued, in_progress = in_progress + excluded.in_progress,
    processed = processed + excluded.processed, failed = failed + excluded.failed, cancelled = cancelled + excluded.cancelled;
END;
CREATE TRIGGER jobs_count_changed AFTER UPDATE OF status ON jobs_job WHEN new.status <> old.status BEGIN
  UPDATE jobs_count SET waiting = waiting + (new.status = 'waiting') - (old.status = 'waiting'),
    delayed = delayed + (new.status = 'delayed') - (old.status = 'delayed'),
    queued = queued + (new.status = 'queued') - (old.status = 'queued'),
    in_progress = in_progress + (new.status = 'in_progress') - (old.status = 'in_progress'),
    processed = processed + (new.status = 'processed') - (old.status = 'processed'),
    failed = failed + (new.status = 'failed') - (old.status = 'failed'),
    cancelled = cancelled + (new.status = 'cancelled') - (old.status = 'cancelled')
  WHERE queue = new.queue AND lane = new.lane;
END;
CREATE TRIGGER jobs_count_removed AFTER DELETE ON jobs_job BEGIN
  UPDATE jobs_count SET waiting = waiting - (old.status = 'waiting'), delayed = delayed - (old.status = 'delayed'),
    queued = queued - (old.status = 'queued'), in_progress = in_progress - (old.status = 'in_progress'),
    processed = processed - (old.status = 'processed'), failed = failed - (old.status = 'failed'),
    cancelled = cancelled - (old.status = 'cancelled')
  WHERE queue = old.queue AND lane = old.lane;
END;

DROP INDEX jobs_job_waiting;
DROP INDEX jobs_job_finished;
CREATE INDEX jobs_job_listed ON jobs_job (status, queue, lane) WHERE status <> 'in_progress';
CREATE INDEX jobs_job_kept ON jobs_job (status, finished_at) WHERE finished_at IS NOT NULL AND flow_id IS NULL;
CREATE INDEX jobs_flow_kept ON jobs_flow (status, finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE jobs_progress (id INTEGER PRIMARY KEY, fence INTEGER NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE jobs_manager (
  id TEXT PRIMARY KEY, names TEXT NOT NULL, lines TEXT NOT NULL, started_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
  seen_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE jobs_unique ADD COLUMN kept_ms INTEGER;
ALTER TABLE jobs_unique ADD COLUMN kept_until INTEGER;
CREATE INDEX jobs_unique_kept ON jobs_unique (kept_until) WHERE kept_until IS NOT NULL;
`;
