/**
 * Tables of L2's pause, L5, L14's limits and L16. Three roads lead to queued jobs, and a job stands on one of them:
 *
 * - `job_ready`: what an ordinary claim walks.
 * - `job_directed`: directed jobs of a lane, whatever their queue; empty nearly always.
 * - `job_parked`: jobs whose limit key was found full. They are walked over once, not at every claim, and come back with the
 *   settlement that frees their key. A job is parked for one version of itself (`parked = version`): whoever changes the
 *   job puts it back in line by that alone, and nothing has to remember to.
 *
 * Running jobs of a queue with a concurrency limit stand in `job_limited`, and are counted there at each claim: as many as the limit
 * lets run. A counter would be one more row to settle under, and could drift. Jobs of other queues never enter it.
 *
 * `queue.serial`: claims of this queue follow one another, because each depends on what those before it took.
 */
export function queueTables(schema: string): string {
  return `
ALTER TABLE ${schema}.job ADD COLUMN limit_key text, ADD COLUMN parked integer NOT NULL DEFAULT -1, ADD COLUMN directed bigint,
  ADD COLUMN limited boolean NOT NULL DEFAULT false, ADD COLUMN gate_forced_by text;
ALTER TYPE ${schema}.claimed ADD ATTRIBUTE directed boolean;

DROP INDEX ${schema}.job_ready;
CREATE INDEX job_ready ON ${schema}.job (queue, lane, priority DESC, attempts_used, id)
  WHERE status = 'queued' AND parked <> version AND directed IS NULL;
CREATE INDEX job_directed ON ${schema}.job (lane, directed, id) WHERE status = 'queued' AND directed IS NOT NULL;
CREATE INDEX job_parked ON ${schema}.job (queue, limit_key, name, priority DESC, attempts_used, id)
  WHERE status = 'queued' AND parked = version;
CREATE INDEX job_limited ON ${schema}.job (queue, limit_key) WHERE limited AND status = 'in_progress';

CREATE TABLE ${schema}.queue (
  queue text PRIMARY KEY,
  paused boolean NOT NULL DEFAULT false,
  weight integer NOT NULL DEFAULT 1,
  concurrency integer,
  key_concurrency integer,
  rate_per_second double precision,
  rate_burst integer,
  aging_ms bigint,
  depth_max integer,
  tokens double precision NOT NULL DEFAULT 0,
  tokens_at bigint NOT NULL DEFAULT 0,
  unparking boolean NOT NULL DEFAULT false,
  serial boolean GENERATED ALWAYS AS (concurrency IS NOT NULL OR key_concurrency IS NOT NULL OR rate_per_second IS NOT NULL
    OR aging_ms IS NOT NULL) STORED
) WITH (fillfactor = 50);
`;
}
