import { countsNow } from "./sight-tables.ts";
import { functionSettings } from "./tables.ts";

/**
 * Reads that look at many lines (L15). Functions, for the sake of their settings: told as one statement, the planner took the
 * lines for thousands and spent 1.4 s on compiling what runs in 20 ms.
 */
export function listFunctions(schema: string): string {
  return list(schema) + counts(schema);
}

/** The columns of `job_listed` (`sight-tables.ts`), of the job row that goes by j. */
const listed = "j.status || ':' || j.lane || ':' || j.queue";

/** A stretch of the index for each line and status, merged. Statuses and queue are null for all of them. */
function list(schema: string): string {
  return `
CREATE FUNCTION ${schema}.list_jobs(p_queue text, p_status text, p_name text, p_after bigint, p_limit integer)
RETURNS SETOF ${schema}.job LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_ids bigint[] := '{}';
  v_key text;
BEGIN
  IF coalesce(p_status, 'in_progress') = 'in_progress' THEN
    v_ids := ARRAY(SELECT j.id FROM ${schema}.job j WHERE j.status = 'in_progress' AND j.id > p_after
      AND (p_queue IS NULL OR j.queue = p_queue) AND (p_name IS NULL OR j.name = p_name) ORDER BY j.id LIMIT p_limit);
  END IF;
  FOR v_key IN
    SELECT s.status || ':' || l.lane || ':' || l.queue
    FROM (SELECT c.queue, c.lane FROM ${schema}.count c UNION SELECT d.queue, d.lane FROM ${schema}.count_delta d) l,
      unnest('{waiting,delayed,queued,processed,failed,cancelled}'::text[]) AS s(status)
    WHERE (p_queue IS NULL OR l.queue = p_queue) AND (p_status IS NULL OR s.status = p_status)
  LOOP
    v_ids := v_ids || ARRAY(SELECT j.id FROM ${schema}.job j
      WHERE ${listed} = v_key AND j.status || '' <> 'in_progress' AND j.id > p_after AND (p_name IS NULL OR j.name = p_name)
      ORDER BY j.id LIMIT p_limit);
  END LOOP;
  v_ids := ARRAY(SELECT i FROM unnest(v_ids) AS i ORDER BY i LIMIT p_limit);
  RETURN QUERY SELECT j.* FROM ${schema}.job j WHERE j.id = ANY (v_ids) ORDER BY j.id;
END $$;
`;
}

function counts(schema: string): string {
  return `
CREATE FUNCTION ${schema}.oldest_ready(p_queue text, p_lane text) RETURNS bigint LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_key text := 'queued:' || p_lane || ':' || p_queue;
BEGIN
  RETURN (SELECT min(f.ready_at) FROM (SELECT j.ready_at, j.held_at FROM ${schema}.job j
    WHERE ${listed} = v_key AND j.status || '' <> 'in_progress' ORDER BY j.id LIMIT 256) f WHERE f.held_at IS NULL);
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
