/**
 * Holds by hand (L6), and what the backoff counts.
 *
 * A hold is a mark and no status: what a job would be without it goes on (its gate opens, its time passes), and nothing has to be
 * restored when it is taken back. A held job stands on no road that a claim walks, so that a million of them cost the others nothing.
 */
export const holdSchema = `
ALTER TABLE jobs_job ADD COLUMN held_at INTEGER;
ALTER TABLE jobs_job ADD COLUMN errors INTEGER NOT NULL DEFAULT 0;
UPDATE jobs_job SET errors = (SELECT count(*) FROM jobs_attempt AS a WHERE a.job_id = jobs_job.id AND a.cause IN ('error', 'timeout', 'crashed'))
  WHERE attempts_used > 0 AND finished_at IS NULL;

DROP INDEX jobs_job_ready;
CREATE INDEX jobs_job_ready ON jobs_job (queue, lane, priority DESC, attempts_used, id)
  WHERE status = 'queued' AND parked <> version AND directed IS NULL AND held_at IS NULL;
`;
