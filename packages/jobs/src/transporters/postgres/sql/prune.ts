import { countColumns } from "./sight-tables.ts";
import { functionSettings } from "./tables.ts";

/** The wakes' stripes (`wake.ts`) are 0 to 511 of the same class. */
const pruneLock = 1_000;

/** Managers not seen for so long are forgotten. */
const managerForgottenMs = 60_000;

/** Removes what was kept long enough (L17), and adds up the counters (L15). One works at a time; the others return at once. */
export function pruneFunctions(schema: string): string {
  return prune(schema) + pruneJobs(schema) + pruneDone(schema) + pruneFlows(schema) + foldCounts(schema);
}

function prune(schema: string): string {
  return `
CREATE FUNCTION ${schema}.prune(p_processed_ms bigint, p_bad_ms bigint, p_limit integer, p_offset_ms bigint,
  OUT jobs integer, OUT flows integer) LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_until bigint;
  v_pruned record;
  r record;
BEGIN
  flows := 0;
  jobs := 0;
  IF NOT pg_try_advisory_xact_lock(hashtext('${schema}'), ${pruneLock}) THEN RETURN; END IF;
  PERFORM ${schema}.fold_counts();
  jobs := ${schema}.prune_done(v_now - p_processed_ms, p_limit);
  FOR r IN SELECT * FROM (VALUES ('processed', p_processed_ms), ('failed', p_bad_ms), ('cancelled', p_bad_ms)) AS e(status, kept) LOOP
    v_until := v_now - r.kept;
    IF jobs < p_limit THEN jobs := jobs + ${schema}.prune_jobs(r.status, v_until, p_limit - jobs); END IF;
    IF jobs < p_limit THEN
      SELECT p.jobs, p.flows INTO v_pruned FROM ${schema}.prune_flows(r.status, v_until, p_limit - jobs) p;
      jobs := jobs + v_pruned.jobs;
      flows := flows + v_pruned.flows;
    END IF;
  END LOOP;
  DELETE FROM ${schema}.unique_key u WHERE u.key IN (
    SELECT k.key FROM ${schema}.unique_key k WHERE k.kept_until <= v_now ORDER BY k.kept_until LIMIT p_limit FOR UPDATE SKIP LOCKED);
  DELETE FROM ${schema}.manager m WHERE m.id IN (
    SELECT g.id FROM ${schema}.manager g WHERE g.seen_until <= v_now - ${managerForgottenMs} FOR UPDATE SKIP LOCKED);
END $$;
`;
}

/** Locks without waiting: a job that is retried by hand at this moment is left alone. */
function pruneJobs(schema: string): string {
  return `
CREATE FUNCTION ${schema}.forget_jobs(p_jobs bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ${schema}.attempt a WHERE a.job_id = ANY (p_jobs);
  DELETE FROM ${schema}.progress p WHERE p.id = ANY (p_jobs);
  DELETE FROM ${schema}.log l WHERE l.job_id = ANY (p_jobs);
  DELETE FROM ${schema}.job j WHERE j.id = ANY (p_jobs);
END $$;

CREATE FUNCTION ${schema}.prune_jobs(p_status text, p_until bigint, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_jobs bigint[];
BEGIN
  v_jobs := ARRAY(SELECT j.id FROM ${schema}.job j
    WHERE j.status || '' = p_status AND j.finished_at <= p_until AND j.finished_at IS NOT NULL AND j.flow_id IS NULL
    ORDER BY j.finished_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
  IF cardinality(v_jobs) > 0 THEN PERFORM ${schema}.forget_jobs(v_jobs); END IF;
  RETURN cardinality(v_jobs);
END $$;
`;
}

/** By the summaries of pages, which only this plan can use; where nothing is old they say so at once. Not leaves: they go with their flow. */
function pruneDone(schema: string): string {
  return `
CREATE FUNCTION ${schema}.prune_done(p_until bigint, p_limit integer) RETURNS integer LANGUAGE plpgsql SET enable_bitmapscan = on AS $$
DECLARE
  v_jobs bigint[];
BEGIN
  WITH gone AS (
    DELETE FROM ${schema}.done d WHERE d.ctid = ANY (ARRAY(
      SELECT o.ctid FROM ${schema}.done o WHERE o.finished_at <= p_until AND o.stage_id IS NULL LIMIT p_limit FOR UPDATE SKIP LOCKED)) RETURNING d.id, d.queue, d.lane
  ), counted AS (
    INSERT INTO ${schema}.count_delta (queue, lane, queued, processed)
    SELECT g.queue, g.lane, count(*), -count(*) FROM gone g GROUP BY g.queue, g.lane
  )
  SELECT coalesce(array_agg(g.id), '{}') INTO v_jobs FROM gone g;
  IF cardinality(v_jobs) > 0 THEN PERFORM ${schema}.forget_jobs(v_jobs); END IF;
  RETURN cardinality(v_jobs);
END $$;
`;
}

/** Whole flows, one after the other until `p_limit` jobs are gone; a job retried by hand or an onFailed job may still have to run. */
function pruneFlows(schema: string): string {
  return `
CREATE FUNCTION ${schema}.prune_flows(p_status text, p_until bigint, p_limit integer, OUT jobs integer, OUT flows integer)
LANGUAGE plpgsql AS $$
DECLARE
  v_jobs bigint[];
  r record;
BEGIN
  jobs := 0;
  flows := 0;
  FOR r IN SELECT f.id FROM ${schema}.flow f
      WHERE f.status = p_status AND f.finished_at <= p_until AND f.finished_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM ${schema}.job j WHERE j.flow_id = f.id AND NOT (${hasEnded(schema)}))
      ORDER BY f.finished_at LIMIT p_limit FOR UPDATE SKIP LOCKED LOOP
    v_jobs := ARRAY(SELECT j.id FROM ${schema}.job j WHERE j.flow_id = r.id AND (${hasEnded(schema)}) ORDER BY j.id FOR UPDATE SKIP LOCKED);
    -- Since the look above one may have been taken up again.
    CONTINUE WHEN cardinality(v_jobs) < (SELECT count(*) FROM ${schema}.job j WHERE j.flow_id = r.id);
    WITH gone AS (
      DELETE FROM ${schema}.done d USING unnest(v_jobs) AS p(id) JOIN ${schema}.job j ON j.id = p.id
      WHERE d.queue = j.queue AND d.lane = j.lane AND d.id = j.id RETURNING d.queue, d.lane
    )
    INSERT INTO ${schema}.count_delta (queue, lane, queued, processed)
      SELECT g.queue, g.lane, count(*), -count(*) FROM gone g GROUP BY g.queue, g.lane;
    PERFORM ${schema}.forget_jobs(v_jobs);
    DELETE FROM ${schema}.stage s WHERE s.flow_id = r.id AND s.id IN (${stagesOf(schema)});
    DELETE FROM ${schema}.flow f WHERE f.id = r.id;
    jobs := jobs + cardinality(v_jobs);
    flows := flows + 1;
    EXIT WHEN jobs >= p_limit;
  END LOOP;
END $$;
`;
}

/** By its row, or on the road. */
function hasEnded(schema: string): string {
  return `j.finished_at IS NOT NULL OR EXISTS (SELECT 1 FROM ${schema}.done d WHERE d.queue = j.queue AND d.lane = j.lane AND d.id = j.id)`;
}

/** By the two indexes that stages have. */
function stagesOf(schema: string): string {
  return `SELECT t.id FROM ${schema}.stage t WHERE t.flow_id = r.id AND t.parent_id IS NULL
      UNION ALL SELECT c.id FROM unnest(v_jobs) AS m(id) JOIN ${schema}.stage c ON c.parent_id = m.id`;
}

function foldCounts(schema: string): string {
  const columns = countColumns.join(", ");
  const sums = countColumns.map((column) => `sum(g.${column}) AS ${column}`).join(", ");
  const added = countColumns.map((column) => `${column} = c.${column} + excluded.${column}`).join(", ");
  const zero = countColumns.map((column) => `c.${column} = 0`).join(" AND ");
  return `
CREATE FUNCTION ${schema}.fold_counts() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH gone AS (
    DELETE FROM ${schema}.count_delta RETURNING queue, lane, ${columns}
  ), summed AS (
    SELECT g.queue, g.lane, ${sums} FROM gone g GROUP BY g.queue, g.lane
  )
  INSERT INTO ${schema}.count AS c (queue, lane, ${columns}) SELECT queue, lane, ${columns} FROM summed ORDER BY queue, lane
    ON CONFLICT (queue, lane) DO UPDATE SET ${added};
  DELETE FROM ${schema}.count c WHERE ${zero};
END $$;
`;
}
