const statuses = ["waiting", "delayed", "queued", "in_progress", "processed", "failed", "cancelled"] as const;
const columns = statuses.join(", ");

/** One expression for each status, joined: a counter's columns. */
function each(expression: (status: string) => string): string {
  return statuses.map(expression).join(", ");
}

/**
 * Tables of L15 and L17.
 *
 * - `count_delta` takes what each statement changes in the numbers of jobs, one row for a queue and lane: rows are only added,
 *   so that no claim or settlement waits for another one's counter. `prune` adds them up into `count` every few seconds; to
 *   read is to sum both. The triggers are for statements and not for rows: a batch of 100 costs one row.
 * - `job_listed` finds the jobs of a line and status by id: what is listed is walked to, never searched for. Its columns are
 *   hidden in an expression, and its condition too, so that no plan of another statement can take it for its own
 *   (`functionSettings`). Running jobs have an index already: a claim pays nothing for this one.
 * - `job_kept` and `flow_kept` have what may be pruned, in the order of its end.
 * - A unique key that is to outlive its job is not removed by the act that ends the job but given its time: by a trigger,
 *   because five statements end jobs, and none needs to know.
 */
export function sightTables(schema: string): string {
  return countTables(schema) + countTriggers(schema) + keptTables(schema);
}

function countTables(schema: string): string {
  return `
CREATE TABLE ${schema}.count (queue text NOT NULL, lane text NOT NULL, ${each((status) => `${status} bigint NOT NULL`)},
  PRIMARY KEY (queue, lane)) WITH (fillfactor = 50);
CREATE TABLE ${schema}.count_delta (queue text NOT NULL, lane text NOT NULL, ${each((status) => `${status} bigint NOT NULL`)})
  WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_threshold = -1);
INSERT INTO ${schema}.count (queue, lane, ${columns})
  SELECT j.queue, j.lane, ${each((status) => `count(*) FILTER (WHERE j.status = '${status}')`)} FROM ${schema}.job j GROUP BY j.queue, j.lane;
`;
}

function countTriggers(schema: string): string {
  const filtered = (sum: string): string => each((status) => `${sum} FILTER (WHERE c.status = '${status}')`);
  return `
CREATE FUNCTION ${schema}.count_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.count_delta (queue, lane, ${columns})
    SELECT c.queue, c.lane, ${filtered("count(*)")} FROM added c GROUP BY c.queue, c.lane;
  RETURN NULL;
END $$;
CREATE TRIGGER count_added AFTER INSERT ON ${schema}.job REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.count_added();

CREATE FUNCTION ${schema}.count_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.count_delta (queue, lane, ${columns})
    SELECT d.queue, d.lane, ${each((status) => `d.${status}`)} FROM (
      SELECT c.queue, c.lane, ${each((status) => `coalesce(sum(c.n) FILTER (WHERE c.status = '${status}'), 0) AS ${status}`)}
      FROM (SELECT a.queue, a.lane, a.status, 1 AS n FROM after_change a
        UNION ALL SELECT b.queue, b.lane, b.status, -1 FROM before_change b) c GROUP BY c.queue, c.lane) d
    WHERE ${statuses.map((status) => `d.${status} <> 0`).join(" OR ")};
  RETURN NULL;
END $$;
CREATE TRIGGER count_changed AFTER UPDATE ON ${schema}.job REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.count_changed();

CREATE FUNCTION ${schema}.count_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO ${schema}.count_delta (queue, lane, ${columns})
    SELECT c.queue, c.lane, ${filtered("-count(*)")} FROM removed c GROUP BY c.queue, c.lane;
  RETURN NULL;
END $$;
CREATE TRIGGER count_removed AFTER DELETE ON ${schema}.job REFERENCING OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.count_removed();
`;
}

function keptTables(schema: string): string {
  return `
DROP INDEX ${schema}.job_ended_badly;
CREATE INDEX job_listed ON ${schema}.job ((status || ':' || lane || ':' || queue), id) WHERE status || '' <> 'in_progress';
CREATE INDEX job_kept ON ${schema}.job ((status || ''), finished_at) WHERE finished_at IS NOT NULL AND flow_id IS NULL;
CREATE INDEX flow_kept ON ${schema}.flow (status, finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE ${schema}.progress (id bigint PRIMARY KEY, at bigint NOT NULL, fence integer NOT NULL, value text NOT NULL)
  WITH (fillfactor = 70);
CREATE TABLE ${schema}.manager (id text PRIMARY KEY, started_at bigint NOT NULL, seen_at bigint NOT NULL, seen_until bigint NOT NULL,
  names text NOT NULL, lines text NOT NULL) WITH (fillfactor = 50);

ALTER TABLE ${schema}.unique_key ADD COLUMN kept_ms bigint, ADD COLUMN kept_until bigint;
CREATE INDEX unique_key_kept ON ${schema}.unique_key (kept_until) WHERE kept_until IS NOT NULL;
CREATE FUNCTION ${schema}.keep_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.unique_key u SET kept_until = floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + u.kept_ms
    WHERE u.key = OLD.key;
  RETURN NULL;
END $$;
CREATE TRIGGER keep_key BEFORE DELETE ON ${schema}.unique_key FOR EACH ROW
  WHEN (OLD.kept_ms IS NOT NULL AND OLD.kept_until IS NULL) EXECUTE FUNCTION ${schema}.keep_key();
`;
}

/** The names of the counters' columns, for the functions and reads beside this. */
export const countColumns: readonly string[] = statuses;

/** Counters as they are now, one row for a queue and lane. */
export function countsNow(schema: string): string {
  return `SELECT c.queue, c.lane, ${each((status) => `sum(c.${status})::bigint AS ${status}`)}
    FROM (SELECT queue, lane, ${columns} FROM ${schema}.count UNION ALL SELECT queue, lane, ${columns} FROM ${schema}.count_delta) c
    GROUP BY c.queue, c.lane`;
}
