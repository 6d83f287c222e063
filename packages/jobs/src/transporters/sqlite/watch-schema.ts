/**
 * What people see of the last day (L15): minutes, as managers count them; how many jobs there were at their ends; what jobs told; what was
 * asked of managers. None of it is written for a job that says nothing.
 *
 * A job that a person moves may be of any status but running: `jobs_count_moved` counts waiting ones too.
 */
export const watchSchema = `
CREATE TABLE jobs_minute (
  minute INTEGER NOT NULL,
  manager TEXT NOT NULL,
  name TEXT NOT NULL,
  queue TEXT NOT NULL,
  processed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  retried INTEGER NOT NULL,
  waits TEXT NOT NULL,
  runs TEXT NOT NULL,
  PRIMARY KEY (minute, manager, name, queue)
) STRICT, WITHOUT ROWID;
CREATE TABLE jobs_level (
  minute INTEGER PRIMARY KEY, waiting INTEGER NOT NULL, delayed INTEGER NOT NULL, queued INTEGER NOT NULL, in_progress INTEGER NOT NULL
) STRICT;
CREATE TABLE jobs_log (
  job_id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  at INTEGER NOT NULL,
  stream TEXT NOT NULL,
  message TEXT NOT NULL,
  fields TEXT,
  PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;
ALTER TABLE jobs_manager ADD COLUMN facts TEXT;
ALTER TABLE jobs_manager ADD COLUMN asked TEXT NOT NULL DEFAULT 'run';

DROP TRIGGER jobs_count_moved;
CREATE TRIGGER jobs_count_moved AFTER UPDATE OF queue, lane ON jobs_job WHEN new.queue <> old.queue OR new.lane <> old.lane BEGIN
  UPDATE jobs_count SET waiting = waiting - (old.status = 'waiting'), delayed = delayed - (old.status = 'delayed'),
    queued = queued - (old.status = 'queued') WHERE queue = old.queue AND lane = old.lane;
  INSERT INTO jobs_count VALUES (new.queue, new.lane, old.status = 'waiting', old.status = 'delayed', old.status = 'queued', 0, 0, 0, 0)
    ON CONFLICT (queue, lane) DO UPDATE SET waiting = waiting + excluded.waiting, delayed = delayed + excluded.delayed,
      queued = queued + excluded.queued;
END;
`;
