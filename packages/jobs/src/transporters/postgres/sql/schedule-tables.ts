/**
 * Schedules, their cursors, their log, and the leader's seat (L13). The trigger that sees a run's end stands with the
 * functions (`schedules.ts`); `is_run` keeps it from all other jobs.
 */
export function scheduleTables(schema: string): string {
  return `
CREATE TABLE ${schema}.schedule (
  name text PRIMARY KEY,
  next_due_at bigint,
  wanted_until bigint NOT NULL,
  timeout_ms bigint NOT NULL,
  version integer NOT NULL DEFAULT 0,
  shards integer NOT NULL,
  runs_max integer NOT NULL,
  priority smallint NOT NULL,
  paused boolean NOT NULL DEFAULT false,
  timing text NOT NULL,
  missed text NOT NULL,
  queue text NOT NULL,
  lane text NOT NULL
);
CREATE INDEX schedule_due ON ${schema}.schedule (next_due_at) WHERE NOT paused;

CREATE TABLE ${schema}.shard (
  schedule text NOT NULL,
  shard integer NOT NULL,
  cursor_job_id bigint NOT NULL DEFAULT 0,
  cursor text,
  PRIMARY KEY (schedule, shard)
);

CREATE TABLE ${schema}.tick (
  schedule text NOT NULL,
  shard integer NOT NULL,
  due_at bigint NOT NULL,
  fired_at bigint NOT NULL,
  job_id bigint,
  started_at bigint,
  finished_at bigint,
  outcome text NOT NULL,
  cursor_before text,
  cursor_after text,
  PRIMARY KEY (schedule, shard, due_at)
);
CREATE UNIQUE INDEX tick_job ON ${schema}.tick (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX tick_unfinished ON ${schema}.tick (schedule, shard) WHERE outcome = 'fired';

ALTER TABLE ${schema}.job ADD COLUMN is_run boolean NOT NULL DEFAULT false;

CREATE TABLE ${schema}.leader (
  seat text PRIMARY KEY, held_until bigint NOT NULL, fence bigint NOT NULL, manager text NOT NULL
);
`;
}
