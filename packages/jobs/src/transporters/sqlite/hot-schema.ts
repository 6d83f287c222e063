/**
 * The hot road: what an ordinary job passes, apart from its row.
 *
 * `jobs_job` is written once, at enqueue, and read once, at the claim. A ready job has a row in `jobs_ready`; a claim
 * moves that to `jobs_running`, a settlement to `jobs_done`: narrow tables, one statement for a whole batch. Before, two updates of
 * a row of 37 columns, with its indexes and counting triggers, cost the writer 64 µs of CPU a job where this costs 15 (batches of 100, side by side on a busy machine).
 *
 * - `jobs_job.status` is what a job is when it stands neither in `jobs_running` (`in_progress`) nor in `jobs_done` (`processed`).
 * - All jobs run there but the directed ones, those that count against a limit, and those that a person or a limit meets while they
 *   run: these are cooled down, their state written to their row (`operations/hot.ts`).
 * - Only plain jobs end there: no flow, unique key, wake key, limit key or schedule. Of the others, and of a plain one that does not end
 *   `processed`, the row is written once, at the end: flows, keys and schedules find what they need in one place.
 * - `jobs_ready` is kept by triggers, so that no act can forget it; claims alone delete from it by themselves. `place` is the order of
 *   L1 as one ascending number: `(255 - priority) × 1024 + attempts used`.
 * - Neither of the narrow tables needs an index on leases: as many run as there are slots, and the rescuer walks them.
 * - `jobs_count` is kept by the operations, once for a batch, for what is added, removed, claimed or comes from the hot road; by its
 *   trigger for the rest. A change of the fence tells them apart: whoever makes it counts, and takes the job off `jobs_ready`.
 * - An input is in its job's row, unless it is long and the row may be rewritten: then in `jobs_input`, as before.
 */
export const hotSchema = `
CREATE TABLE jobs_line (id INTEGER PRIMARY KEY, queue TEXT NOT NULL, lane TEXT NOT NULL, UNIQUE (queue, lane)) STRICT;
INSERT INTO jobs_line (queue, lane) SELECT queue, lane FROM jobs_count ORDER BY queue, lane;

ALTER TABLE jobs_job ADD COLUMN line INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs_job ADD COLUMN input TEXT;
UPDATE jobs_job SET line = (SELECT l.id FROM jobs_line AS l WHERE l.queue = jobs_job.queue AND l.lane = jobs_job.lane);

DROP INDEX jobs_job_ready;
DROP INDEX jobs_job_listed;
DROP TRIGGER jobs_count_added;
DROP TRIGGER jobs_count_removed;
DROP TRIGGER jobs_count_changed;
CREATE TRIGGER jobs_count_changed AFTER UPDATE OF status ON jobs_job WHEN new.status <> old.status AND new.fence = old.fence BEGIN
  UPDATE jobs_count SET waiting = waiting + (new.status = 'waiting') - (old.status = 'waiting'),
    delayed = delayed + (new.status = 'delayed') - (old.status = 'delayed'),
    queued = queued + (new.status = 'queued') - (old.status = 'queued'),
    in_progress = in_progress + (new.status = 'in_progress') - (old.status = 'in_progress'),
    processed = processed + (new.status = 'processed') - (old.status = 'processed'),
    failed = failed + (new.status = 'failed') - (old.status = 'failed'),
    cancelled = cancelled + (new.status = 'cancelled') - (old.status = 'cancelled')
  WHERE queue = new.queue AND lane = new.lane;
END;
CREATE INDEX jobs_job_listed ON jobs_job (status, queue, lane) WHERE status <> 'in_progress'
  AND (status <> 'queued' OR parked = version OR directed IS NOT NULL OR held_at IS NOT NULL);

CREATE TABLE jobs_ready (
  line INTEGER NOT NULL, place INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (line, place, id)
) STRICT, WITHOUT ROWID;
INSERT INTO jobs_ready SELECT line, (255 - priority) * 1024 + attempts_used, id FROM jobs_job
  WHERE status = 'queued' AND parked <> version AND directed IS NULL AND held_at IS NULL;
CREATE TRIGGER jobs_ready_added AFTER INSERT ON jobs_job WHEN new.status = 'queued' BEGIN
  INSERT INTO jobs_ready VALUES (new.line, (255 - new.priority) * 1024 + new.attempts_used, new.id);
END;
CREATE TRIGGER jobs_ready_moved AFTER UPDATE OF line, status, priority, attempts_used, version, parked, directed, held_at ON jobs_job
WHEN new.status = 'queued' OR old.status = 'queued' AND new.fence = old.fence BEGIN
  DELETE FROM jobs_ready WHERE line = old.line AND place = (255 - old.priority) * 1024 + old.attempts_used AND id = old.id;
  INSERT INTO jobs_ready SELECT new.line, (255 - new.priority) * 1024 + new.attempts_used, new.id
    WHERE new.status = 'queued' AND new.parked <> new.version AND new.directed IS NULL AND new.held_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM jobs_running AS r WHERE r.id = new.id);
END;
CREATE TRIGGER jobs_ready_removed AFTER DELETE ON jobs_job WHEN old.status = 'queued' BEGIN
  DELETE FROM jobs_ready WHERE line = old.line AND place = (255 - old.priority) * 1024 + old.attempts_used AND id = old.id;
END;

CREATE TABLE jobs_running (
  id INTEGER PRIMARY KEY,
  line INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  started_at INTEGER,
  lease_until INTEGER NOT NULL,
  claimed_by TEXT NOT NULL,
  plain INTEGER NOT NULL
) STRICT;

CREATE TABLE jobs_done (
  line INTEGER NOT NULL,
  id INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER NOT NULL,
  claimed_by TEXT NOT NULL,
  result TEXT,
  PRIMARY KEY (line, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_done_kept ON jobs_done (finished_at);
`;
