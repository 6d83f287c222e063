/** A job that is replaced (L17) may come to another line: no other act moves one, so that only this pays for it. */
export const uniqueSchema = `
CREATE TRIGGER jobs_count_moved AFTER UPDATE OF queue, lane ON jobs_job WHEN new.queue <> old.queue OR new.lane <> old.lane BEGIN
  UPDATE jobs_count SET delayed = delayed - (old.status = 'delayed'), queued = queued - (old.status = 'queued')
    WHERE queue = old.queue AND lane = old.lane;
  INSERT INTO jobs_count VALUES (new.queue, new.lane, 0, old.status = 'delayed', old.status = 'queued', 0, 0, 0, 0)
    ON CONFLICT (queue, lane) DO UPDATE SET delayed = delayed + excluded.delayed, queued = queued + excluded.queued;
END;
`;
