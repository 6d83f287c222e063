/**
 * The hot tables. A job's row says all of it, except for what `running` and `done` say: a job claimed from `ready` keeps its row as
 * it was, status `queued` included, until something other than a plain success becomes of it. So a claim and a settlement
 * move a narrow row from table to table and touch no wide one: claim and settle cost the server 10 µs a job instead of 83,
 * measured over 100,000 no-op jobs.
 *
 * - `ready`: jobs that an ordinary claim may take, in the order of L1. A queued job that is directed, parked or held is not in it (L2).
 * - `running`: claims of such jobs. Of queues with limits, and of directed jobs, the row itself is written instead.
 * - `done`: processed jobs to whose end nothing hangs (`plain`: no flow, unique key, wake key, run of a schedule), or nothing but the
 *   count of a flow's stage (`leafStage`). A job in it has `subtree_ok`, whatever its row says.
 *
 * Who does anything rarer with a job first locks its row, then calls `full`, which writes back what the hot tables say and
 * takes the job off the road, and at last `road`, which puts it there again if that is where it belongs. Locks are taken
 * in this order everywhere: flows, jobs, `ready`, `running`, `done`; claims wait for nobody.
 *
 * Counters (L15) see two parts: the rows, by the triggers on `job`; and what the hot tables say instead of them, added here,
 * in `claim` and in `settle`: a row in `running` is one `queued` less and one `in_progress` more.
 */
export function roadTables(schema: string): string {
  const vacuum =
    "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0.2";
  return `
ALTER TABLE ${schema}.job ADD COLUMN plain boolean NOT NULL
  GENERATED ALWAYS AS (flow_id IS NULL AND unique_key IS NULL AND wake_key IS NULL AND NOT is_run) STORED;

CREATE TABLE ${schema}.ready (id bigint NOT NULL, priority smallint NOT NULL, used smallint NOT NULL, plain boolean NOT NULL,
  lane text NOT NULL, queue text NOT NULL, name text NOT NULL) WITH (${vacuum});
CREATE UNIQUE INDEX ready_order ON ${schema}.ready (queue, lane, priority DESC, used, id);

-- Room in the pages: a renewal then is a heap-only update.
CREATE TABLE ${schema}.running (id bigint NOT NULL, lease_until bigint NOT NULL, started_at bigint, fence integer NOT NULL,
  plain boolean NOT NULL, lane text NOT NULL, queue text NOT NULL, claimed_by text NOT NULL) WITH (fillfactor = 80, ${vacuum});
CREATE UNIQUE INDEX running_id ON ${schema}.running (id);

-- Rows come in the order of their ends, nearly: a summary of each few pages finds the oldest, where a tree would cost each end.
CREATE TABLE ${schema}.done (id bigint NOT NULL, started_at bigint, finished_at bigint NOT NULL, fence integer NOT NULL,
  lane text NOT NULL, queue text NOT NULL, claimed_by text NOT NULL, result text) WITH (${vacuum});
CREATE UNIQUE INDEX done_listed ON ${schema}.done (queue, lane, id);
CREATE INDEX done_finished ON ${schema}.done USING brin (finished_at) WITH (pages_per_range = 16, autosummarize = on);

DROP INDEX ${schema}.job_ready;
DROP INDEX ${schema}.job_listed;
CREATE INDEX job_listed ON ${schema}.job ((status || ':' || lane || ':' || queue), id) WHERE ${isListed("job")};

ALTER TABLE ${schema}.count_delta ALTER COLUMN waiting SET DEFAULT 0, ALTER COLUMN delayed SET DEFAULT 0,
  ALTER COLUMN queued SET DEFAULT 0, ALTER COLUMN in_progress SET DEFAULT 0, ALTER COLUMN processed SET DEFAULT 0,
  ALTER COLUMN failed SET DEFAULT 0, ALTER COLUMN cancelled SET DEFAULT 0;

CREATE VIEW ${schema}.job_now AS SELECT j.id, j.name, j.queue, j.lane, j.input, coalesce(r.fence, d.fence, j.fence) AS fence, j.version,
  j.base_priority, j.priority, j.attempts, j.attempts_used, j.crashes, j.timeout_ms, j.cancel_requested, j.created_at, j.ready_at,
  j.flow_id, j.parent_id, j.wake_key, j.limit_key, j.gate_forced_by, j.stage, j.stage_id, j.unique_key, j.failure,
  CASE WHEN r.id IS NOT NULL THEN 'in_progress' WHEN d.id IS NOT NULL THEN 'processed' ELSE j.status END AS status,
  CASE WHEN r.id IS NOT NULL THEN r.started_at WHEN d.id IS NOT NULL THEN d.started_at ELSE j.started_at END AS started_at, coalesce(r.lease_until, j.lease_until) AS lease_until,
  coalesce(d.finished_at, j.finished_at) AS finished_at, coalesce(r.claimed_by, d.claimed_by, j.claimed_by) AS claimed_by,
  coalesce(d.result, j.result) AS result, j.has_children, j.limited, j.directed, j.held_at, j.errors
  FROM ${schema}.job j LEFT JOIN ${schema}.running r ON r.id = j.id
  LEFT JOIN ${schema}.done d ON d.queue = j.queue AND d.lane = j.lane AND d.id = j.id;

INSERT INTO ${schema}.ready (id, priority, used, plain, lane, queue, name)
  SELECT j.id, j.priority, j.attempts_used, j.plain, j.lane, j.queue, j.name FROM ${schema}.job j WHERE ${belongsOnRoad("j")};
`;
}

/**
 * Version 23: the order of L1 as one ascending key, which a claim can begin in the middle of (`marks.ts`). `late`: put on the road by
 * anything but its enqueue, so that it may come behind a mark.
 */
export function markTables(schema: string): string {
  return `
ALTER TABLE ${schema}.ready RENAME COLUMN priority TO rank;
ALTER TABLE ${schema}.ready ADD COLUMN late boolean NOT NULL DEFAULT true;
ALTER TABLE ${schema}.ready ALTER COLUMN late DROP DEFAULT;
DROP INDEX ${schema}.ready_order;
UPDATE ${schema}.ready SET rank = -rank;
CREATE UNIQUE INDEX ready_order ON ${schema}.ready (queue, lane, rank, used, id);
CREATE INDEX ready_late ON ${schema}.ready (queue, lane, rank, used, id) WHERE late;
`;
}

/**
 * Version 25: members of flows end on the road too. Null for a job that is no leaf, and for what was on the road before. Leaves are pruned
 * with their flow, and so left out of the summaries by which the others are found.
 */
export function leafTables(schema: string): string {
  return `
ALTER TABLE ${schema}.ready ADD COLUMN stage_id bigint;
ALTER TABLE ${schema}.running ADD COLUMN stage_id bigint;
ALTER TABLE ${schema}.done ADD COLUMN stage_id bigint;
DROP INDEX ${schema}.done_finished;
CREATE INDEX done_finished ON ${schema}.done USING brin (finished_at) WITH (pages_per_range = 16, autosummarize = on) WHERE stage_id IS NULL;
`;
}

/** The stage of a member with nothing below it and nothing else that hangs on its end. */
export function leafStage(job: string): string {
  return `CASE WHEN NOT ${job}.has_children AND ${job}.unique_key IS NULL AND ${job}.wake_key IS NULL AND NOT ${job}.is_run THEN ${job}.stage_id END`;
}

/** A queued job is on the road, unless it is directed, parked or held: then another index finds it. */
export function belongsOnRoad(job: string): string {
  return `${job}.status || '' = 'queued' AND ${job}.parked <> ${job}.version AND ${job}.directed IS NULL AND ${job}.held_at IS NULL`;
}

/** A job to whose end nothing hangs. */
export function isPlain(job: string): string {
  return `(${job}.flow_id IS NULL AND ${job}.unique_key IS NULL AND ${job}.wake_key IS NULL AND NOT ${job}.is_run)`;
}

/** What `job_listed` has: all but running jobs, and those that `ready` lists. Its text hides the status, as \`functionSettings\` wants it. */
export function isListed(job: string): string {
  return `${job}.status || '' <> 'in_progress' AND (${job}.status || '' <> 'queued' OR ${job}.parked = ${job}.version OR ${job}.directed IS NOT NULL OR ${job}.held_at IS NOT NULL)`;
}

/** Puts the jobs of `from`, which has their rows under the name j, back on the road where they belong there. `absent`: none is on it. */
export function intoReady(schema: string, from: string, { absent = false }: { absent?: boolean } = {}): string {
  return `INSERT INTO ${schema}.ready (id, rank, used, late, plain, stage_id, lane, queue, name)
      SELECT j.id, -j.priority, j.attempts_used, true, ${isPlain("j")}, ${leafStage("j")}, j.lane, j.queue, j.name FROM ${from} WHERE ${belongsOnRoad("j")}
      ${absent ? "" : "ON CONFLICT DO NOTHING"}`;
}

/** See the top. Each expects the jobs' rows to be locked. */
export function roadFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.leave_ready(p_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ${schema}.ready r USING unnest(p_ids) AS p(id) JOIN ${schema}.job j ON j.id = p.id
    WHERE r.queue = j.queue AND r.lane = j.lane AND r.rank = -j.priority AND r.used = j.attempts_used AND r.id = j.id;
END $$;

CREATE FUNCTION ${schema}.write_running(p_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH gone AS (
    DELETE FROM ${schema}.running r USING (SELECT i FROM unnest(p_ids) AS i ORDER BY i) AS p(id) WHERE r.id = p.id RETURNING r.*
  ), written AS (
    UPDATE ${schema}.job j SET status = 'in_progress', fence = g.fence, lease_until = g.lease_until, started_at = g.started_at,
      claimed_by = g.claimed_by FROM gone g WHERE j.id = g.id
  )
  INSERT INTO ${schema}.count_delta (queue, lane, queued, in_progress)
    SELECT g.queue, g.lane, count(*), -count(*) FROM gone g GROUP BY g.queue, g.lane;
END $$;

CREATE FUNCTION ${schema}.write_done(p_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH gone AS (
    DELETE FROM ${schema}.done d USING unnest(p_ids) AS p(id) JOIN ${schema}.job j ON j.id = p.id
    WHERE d.queue = j.queue AND d.lane = j.lane AND d.id = j.id RETURNING d.*
  ), written AS (
    UPDATE ${schema}.job j SET status = 'processed', fence = g.fence, started_at = g.started_at, claimed_by = g.claimed_by,
      finished_at = g.finished_at, result = g.result, subtree_ok = true FROM gone g WHERE j.id = g.id
  )
  INSERT INTO ${schema}.count_delta (queue, lane, queued, processed)
    SELECT g.queue, g.lane, count(*), -count(*) FROM gone g GROUP BY g.queue, g.lane;
END $$;

-- The priorities and numbers of attempts that a line's ready jobs have: stepped to, as many look-ups as there are of them.
CREATE FUNCTION ${schema}.ready_groups(p_queue text, p_lane text) RETURNS TABLE (rank smallint, used smallint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY WITH RECURSIVE part AS (
    (SELECT a.rank, a.used FROM ${schema}.ready a WHERE a.queue = p_queue AND a.lane = p_lane ORDER BY a.rank, a.used LIMIT 1)
    UNION ALL
    SELECT n.rank, n.used FROM part g CROSS JOIN LATERAL (
      SELECT a.rank, a.used FROM ${schema}.ready a WHERE a.queue = p_queue AND a.lane = p_lane AND (a.rank, a.used) > (g.rank, g.used)
      ORDER BY a.rank, a.used LIMIT 1) n
  ) SELECT part.rank, part.used FROM part;
END $$;

CREATE FUNCTION ${schema}.full(p_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.leave_ready(p_ids);
  -- What a claim or settlement has moved on meanwhile is found at its next place.
  PERFORM ${schema}.write_running(p_ids);
  PERFORM ${schema}.write_done(p_ids);
END $$;

CREATE FUNCTION ${schema}.road(p_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  ${intoReady(schema, `unnest(p_ids) AS p(id) JOIN ${schema}.job j ON j.id = p.id`)};
END $$;
`;
}
