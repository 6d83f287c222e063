import { countsNow } from "./sight-tables.ts";
import { isListed } from "./roads.ts";
import { functionSettings } from "./tables.ts";

/** Jobs are ready in the order of their ids, nearly: the first of each kind are looked at for the one that has waited longest. */
const oldestLooks = 64;

/**
 * Reads that look at many lines (L15). Functions, for the sake of their settings: told as one statement, the planner took the
 * lines for thousands and spent 1.4 s on compiling what runs in 20 ms.
 */
export function listFunctions(schema: string): string {
  return list(schema) + counts(schema);
}

/** The columns of `job_listed` (`sight-tables.ts`), of the job row that goes by j. */
const listed = "j.status || ':' || j.lane || ':' || j.queue";

/** A stretch of an index for each line and status, merged. Statuses, queue and name are null for all of them. */
function list(schema: string): string {
  const named = (job: string): string =>
    `(p_name IS NULL OR (SELECT n.name FROM ${schema}.job n WHERE n.id = ${job}.id) = p_name)`;
  return `
CREATE FUNCTION ${schema}.list_jobs(p_queue text, p_status text, p_name text, p_after bigint, p_limit integer)
RETURNS SETOF ${schema}.job_now LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_ids bigint[] := '{}';
  r record;
BEGIN
  IF coalesce(p_status, 'in_progress') = 'in_progress' THEN
    v_ids := ARRAY(SELECT j.id FROM ${schema}.job j WHERE j.status = 'in_progress' AND j.id > p_after
        AND (p_queue IS NULL OR j.queue = p_queue) AND (p_name IS NULL OR j.name = p_name) ORDER BY j.id LIMIT p_limit)
      || ARRAY(SELECT h.id FROM ${schema}.running h WHERE h.id > p_after AND (p_queue IS NULL OR h.queue = p_queue) AND ${named("h")}
        ORDER BY h.id LIMIT p_limit);
  END IF;
  FOR r IN
    SELECT s.status, l.queue, l.lane
    FROM (SELECT c.queue, c.lane FROM ${schema}.count c UNION SELECT d.queue, d.lane FROM ${schema}.count_delta d) l,
      unnest('{waiting,delayed,queued,processed,failed,cancelled}'::text[]) AS s(status)
    WHERE (p_queue IS NULL OR l.queue = p_queue) AND (p_status IS NULL OR s.status = p_status)
  LOOP
    v_ids := v_ids || ARRAY(SELECT j.id FROM ${schema}.job j WHERE ${listed} = r.status || ':' || r.lane || ':' || r.queue
      AND ${isListed("j")} AND j.id > p_after AND (p_name IS NULL OR j.name = p_name) ORDER BY j.id LIMIT p_limit);
    IF r.status = 'processed' THEN
      v_ids := v_ids || ARRAY(SELECT d.id FROM ${schema}.done d WHERE d.queue = r.queue AND d.lane = r.lane AND d.id > p_after
        AND ${named("d")} ORDER BY d.id LIMIT p_limit);
    ELSIF r.status = 'queued' THEN
      v_ids := v_ids || ${schema}.first_ready(r.queue, r.lane, p_name, p_after, p_limit);
    END IF;
  END LOOP;
  v_ids := ARRAY(SELECT i FROM unnest(v_ids) AS i ORDER BY i LIMIT p_limit);
  RETURN QUERY SELECT j.* FROM ${schema}.job_now j WHERE j.id = ANY (v_ids) ORDER BY j.id;
END $$;

-- By id within each priority and number of attempts, which are few.
CREATE FUNCTION ${schema}.first_ready(p_queue text, p_lane text, p_name text, p_after bigint, p_limit integer) RETURNS bigint[]
LANGUAGE plpgsql AS $$
BEGIN
  RETURN ARRAY(SELECT f.id FROM ${schema}.ready_groups(p_queue, p_lane) g CROSS JOIN LATERAL (
    SELECT a.id FROM ${schema}.ready a WHERE a.queue = p_queue AND a.lane = p_lane AND a.rank = g.rank AND a.used = g.used
      AND a.id > p_after AND (p_name IS NULL OR a.name = p_name) ORDER BY a.rank, a.used, a.id LIMIT p_limit) f);
END $$;

CREATE FUNCTION ${schema}.get_jobs(p_ids bigint[]) RETURNS SETOF ${schema}.job_now LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  RETURN QUERY SELECT j.* FROM unnest(p_ids) WITH ORDINALITY AS asked(id, place) JOIN ${schema}.job_now j USING (id) ORDER BY asked.place;
END $$;
`;
}

function counts(schema: string): string {
  return `
CREATE FUNCTION ${schema}.oldest_ready(p_queue text, p_lane text) RETURNS bigint LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_key text := 'queued:' || p_lane || ':' || p_queue;
BEGIN
  RETURN (SELECT min(f.ready_at) FROM (
    SELECT j.ready_at FROM unnest(${schema}.first_ready(p_queue, p_lane, NULL, 0, ${oldestLooks})) AS f(id) JOIN ${schema}.job j ON j.id = f.id
    UNION ALL (SELECT CASE WHEN j.held_at IS NULL THEN j.ready_at END FROM ${schema}.job j
      WHERE ${listed} = v_key AND ${isListed("j")} ORDER BY j.id LIMIT ${oldestLooks})) f);
END $$;

CREATE FUNCTION ${schema}.counts(p_offset_ms bigint) RETURNS TABLE (line json, oldest_wait_ms bigint)
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
BEGIN
  RETURN QUERY SELECT to_json(n), v_now - ${schema}.oldest_ready(n.queue, n.lane) FROM (${countsNow(schema)}) n
    ORDER BY n.queue COLLATE "C", n.lane;
END $$;
`;
}
