import { isListed } from "./roads.ts";
import { functionSettings } from "./tables.ts";

/** Looking through jobs (L15). Functions, for the sake of their settings (`tables.ts`). */
export function browseFunctions(schema: string): string {
  return find(schema) + findInLines(schema) + looked(schema) + briefs(schema);
}

/** The columns of `job_listed`, of the job row that goes by j. */
const listed = "j.status || ':' || j.lane || ':' || j.queue";

/** What a stretch gives: the jobs that fit among the newest `p_looks`, and where it came to when there may be more. */
const looks = "OUT ids bigint[], OUT reached bigint";

/**
 * Each stretch is walked on its own, from the newest job down; what is told of is what lies above the lowest place that all of them
 * have come to. So no job is passed over, whichever stretch was the long one.
 */
function find(schema: string): string {
  return `
CREATE FUNCTION ${schema}.find_jobs(p_statuses text[], p_queue text, p_name text, p_priority integer, p_flow bigint, p_before bigint,
  p_limit integer, p_looks integer, ${looks}) LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  IF p_flow IS NULL AND (p_statuses IS NOT NULL OR p_queue IS NOT NULL) THEN
    SELECT * INTO ids, reached FROM ${schema}.find_in_lines(p_statuses, p_queue, p_name, p_priority, p_before, p_limit, p_looks);
  ELSIF p_flow IS NOT NULL THEN
    IF p_name IS NULL AND p_priority IS NULL AND p_queue IS NULL AND p_statuses IS NULL THEN p_looks := p_limit; END IF;
    SELECT array_agg(l.id) FILTER (WHERE (p_name IS NULL OR l.name = p_name) AND (p_priority IS NULL OR l.priority = p_priority)
        AND (p_queue IS NULL OR l.queue = p_queue) AND (p_statuses IS NULL OR l.status = ANY (p_statuses))),
        CASE WHEN count(*) >= p_looks THEN min(l.id) END INTO ids, reached
      FROM (SELECT j.id, j.name, j.priority, j.queue, j.status FROM ${schema}.job_now j WHERE j.flow_id = p_flow AND j.id < p_before
        ORDER BY j.id DESC LIMIT p_looks) l;
  ELSE
    IF p_name IS NULL AND p_priority IS NULL THEN p_looks := p_limit; END IF;
    SELECT array_agg(l.id) FILTER (WHERE (p_name IS NULL OR l.name = p_name) AND (p_priority IS NULL OR l.priority = p_priority)),
        CASE WHEN count(*) >= p_looks THEN min(l.id) END INTO ids, reached
      FROM (SELECT j.id, j.name, j.priority FROM ${schema}.job j WHERE j.id < p_before ORDER BY j.id DESC LIMIT p_looks) l;
  END IF;
  ids := ARRAY(SELECT DISTINCT i FROM unnest(ids) AS i WHERE i >= coalesce(reached, 0) ORDER BY i DESC LIMIT p_limit + 1);
END $$;
`;
}

function findInLines(schema: string): string {
  return `
CREATE FUNCTION ${schema}.find_in_lines(p_statuses text[], p_queue text, p_name text, p_priority integer, p_before bigint,
  p_limit integer, p_looks integer, ${looks}) LANGUAGE plpgsql AS $$
DECLARE
  v_statuses text[] := coalesce(p_statuses, '{waiting,delayed,queued,in_progress,processed,failed,cancelled}');
  v_lines integer;
  v_looks integer := p_limit;
  v_found record;
  r record;
BEGIN
  ids := '{}';
  IF p_name IS NOT NULL OR p_priority IS NOT NULL THEN
    SELECT count(*) INTO v_lines FROM (SELECT c.queue, c.lane FROM ${schema}.count c UNION SELECT d.queue, d.lane FROM ${schema}.count_delta d) l
      WHERE p_queue IS NULL OR l.queue = p_queue;
    v_looks := greatest(1, p_looks / greatest(1, v_lines * cardinality(v_statuses)));
  END IF;
  IF 'in_progress' = ANY (v_statuses) THEN
    SELECT * INTO v_found FROM ${schema}.look_running(p_queue, p_name, p_priority, p_before, v_looks);
    ids := ids || v_found.ids;
    reached := greatest(reached, v_found.reached);
  END IF;
  FOR r IN
    SELECT s.status, l.queue, l.lane
    FROM (SELECT c.queue, c.lane FROM ${schema}.count c UNION SELECT d.queue, d.lane FROM ${schema}.count_delta d) l,
      unnest(v_statuses) AS s(status) WHERE (p_queue IS NULL OR l.queue = p_queue) AND s.status <> 'in_progress'
  LOOP
    SELECT * INTO v_found FROM ${schema}.look_listed(r.status || ':' || r.lane || ':' || r.queue, p_name, p_priority, p_before, v_looks);
    ids := ids || v_found.ids;
    reached := greatest(reached, v_found.reached);
    IF r.status = 'processed' THEN
      SELECT * INTO v_found FROM ${schema}.look_done(r.queue, r.lane, p_name, p_priority, p_before, v_looks);
    ELSIF r.status = 'queued' THEN
      SELECT * INTO v_found FROM ${schema}.look_ready(r.queue, r.lane, p_name, p_priority, p_before, v_looks);
    ELSE
      CONTINUE;
    END IF;
    ids := ids || v_found.ids;
    reached := greatest(reached, v_found.reached);
  END LOOP;
END $$;
`;
}

/** What a stretch's look tells, of the jobs that go by this name. */
function told(job: string): string {
  return `SELECT array_agg(l.id) FILTER (WHERE (p_name IS NULL OR ${job}.name = p_name) AND (p_priority IS NULL OR ${job}.priority = p_priority)),
        CASE WHEN count(*) >= p_looks THEN min(l.id) END INTO ids, reached`;
}

function looked(schema: string): string {
  const joined = `${told("j")} FROM l LEFT JOIN ${schema}.job j ON j.id = l.id AND (p_name IS NOT NULL OR p_priority IS NOT NULL)`;
  const parameters = "p_name text, p_priority integer, p_before bigint, p_looks integer";
  return `
CREATE FUNCTION ${schema}.look_listed(p_key text, ${parameters}, ${looks}) LANGUAGE plpgsql AS $$
BEGIN
  ${told("l")} FROM (SELECT j.id, j.name, j.priority FROM ${schema}.job j WHERE ${listed} = p_key AND ${isListed("j")} AND j.id < p_before
    ORDER BY j.id DESC LIMIT p_looks) l;
END $$;

CREATE FUNCTION ${schema}.look_done(p_queue text, p_lane text, ${parameters}, ${looks}) LANGUAGE plpgsql AS $$
BEGIN
  WITH l AS MATERIALIZED (SELECT d.id FROM ${schema}.done d WHERE d.queue = p_queue AND d.lane = p_lane AND d.id < p_before
    ORDER BY d.queue DESC, d.lane DESC, d.id DESC LIMIT p_looks)
  ${joined};
END $$;

-- By id within each priority and number of attempts, which are few.
CREATE FUNCTION ${schema}.look_ready(p_queue text, p_lane text, ${parameters}, ${looks}) LANGUAGE plpgsql AS $$
DECLARE
  v_found record;
  g record;
BEGIN
  ids := '{}';
  FOR g IN SELECT * FROM ${schema}.ready_groups(p_queue, p_lane) LOOP
    CONTINUE WHEN p_priority IS NOT NULL AND g.rank <> -p_priority;
    SELECT array_agg(l.id) FILTER (WHERE p_name IS NULL OR l.name = p_name) AS ids, CASE WHEN count(*) >= p_looks THEN min(l.id) END AS reached
      INTO v_found
      FROM (SELECT a.id, a.name FROM ${schema}.ready a WHERE a.queue = p_queue AND a.lane = p_lane AND a.rank = g.rank AND a.used = g.used
        AND a.id < p_before ORDER BY a.rank DESC, a.used DESC, a.id DESC LIMIT p_looks) l;
    ids := ids || v_found.ids;
    reached := greatest(reached, v_found.reached);
  END LOOP;
END $$;

-- As few run as there are slots.
CREATE FUNCTION ${schema}.look_running(p_queue text, ${parameters}, ${looks}) LANGUAGE plpgsql AS $$
BEGIN
  WITH l AS MATERIALIZED (SELECT u.id FROM (
      SELECT h.id FROM ${schema}.running h WHERE h.id < p_before AND (p_queue IS NULL OR h.queue = p_queue)
      UNION ALL SELECT k.id FROM ${schema}.job k WHERE k.status = 'in_progress' AND k.id < p_before AND (p_queue IS NULL OR k.queue = p_queue)) u
    ORDER BY u.id DESC LIMIT p_looks)
  ${joined};
END $$;
`;
}

/** Without inputs and results, which may be long. */
function briefs(schema: string): string {
  const columns =
    "id name queue lane fence version base_priority priority attempts attempts_used crashes errors timeout_ms cancel_requested created_at ready_at flow_id parent_id wake_key limit_key gate_forced_by stage stage_id unique_key failure status started_at lease_until finished_at claimed_by held_at"
      .split(" ")
      .map((column) => `j.${column}`)
      .join(", ");
  return `
CREATE FUNCTION ${schema}.briefs(p_ids bigint[]) RETURNS TABLE (brief json) LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  RETURN QUERY SELECT to_json(b) FROM (SELECT ${columns} FROM unnest(p_ids) WITH ORDINALITY AS asked(id, place)
    JOIN ${schema}.job_now j USING (id) ORDER BY asked.place) b;
END $$;

CREATE FUNCTION ${schema}.members(p_flow bigint) RETURNS TABLE (id bigint, name text, queue text, status text, priority smallint,
  started_at bigint, finished_at bigint, stage_id bigint) LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  RETURN QUERY SELECT j.id, j.name, j.queue, j.status, j.priority, j.started_at, j.finished_at, j.stage_id
    FROM ${schema}.job_now j WHERE j.flow_id = p_flow ORDER BY j.id;
END $$;

CREATE FUNCTION ${schema}.by_key(p_key text, p_limit integer) RETURNS TABLE (id bigint) LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  RETURN QUERY SELECT f.id FROM (
    SELECT u.job_id AS id FROM ${schema}.unique_key u WHERE u.key = p_key AND u.job_id IS NOT NULL
    UNION SELECT m.id FROM (SELECT j.id FROM ${schema}.unique_key u JOIN ${schema}.job j ON j.flow_id = u.flow_id
      WHERE u.key = p_key ORDER BY j.id DESC LIMIT p_limit) m
    UNION SELECT w.id FROM (SELECT j.id FROM ${schema}.job j WHERE j.wake_key = p_key AND j.finished_at IS NULL
      ORDER BY j.id DESC LIMIT p_limit) w) f ORDER BY f.id DESC;
END $$;

CREATE FUNCTION ${schema}.claimed_by(p_manager text, p_limit integer) RETURNS bigint[] LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  RETURN ARRAY(SELECT c.id FROM (
    SELECT h.id FROM ${schema}.running h WHERE h.claimed_by = p_manager
    UNION ALL SELECT j.id FROM ${schema}.job j WHERE j.status = 'in_progress' AND j.claimed_by = p_manager) c ORDER BY c.id LIMIT p_limit);
END $$;
`;
}
