/**
 * Holds by hand (L6), and what the backoff counts.
 *
 * A hold is a mark and no status: what a job would be without it goes on (its gate opens, its time passes), and nothing has to be
 * restored when it is taken back. A held job stands on no road that a claim walks, so that a million of them cost the others nothing.
 */
export function holdTables(schema: string): string {
  return `
ALTER TABLE ${schema}.job ADD COLUMN held_at bigint, ADD COLUMN errors smallint NOT NULL DEFAULT 0;
ALTER TYPE ${schema}.claimed ADD ATTRIBUTE errors smallint;
UPDATE ${schema}.job j SET errors = a.errors FROM (
  SELECT a.job_id, count(*) AS errors FROM ${schema}.attempt a WHERE a.cause IN ('error', 'timeout', 'crashed') GROUP BY a.job_id) a
  WHERE j.id = a.job_id AND j.finished_at IS NULL;

DROP INDEX ${schema}.job_ready;
CREATE INDEX job_ready ON ${schema}.job (queue, lane, priority DESC, attempts_used, id)
  WHERE status = 'queued' AND parked <> version AND directed IS NULL AND held_at IS NULL;
`;
}
