import { limits } from "../../../core/limits.ts";
import { claimedColumns, functionSettings } from "./tables.ts";

/**
 * A claim serves its requests one after the other, each with one statement that walks the ready index and skips what others
 * hold (L3): it never waits for anyone. The rows come back in the order of L1, which `UPDATE … RETURNING` does not keep.
 * A wake that this claim can see is answered by the attempt that begins now; one still open in another transaction is not
 * touched, and so is there at the release (L7).
 */
export function claimFunctions(schema: string): string {
  return claim(schema) + renew(schema) + comeBack(schema);
}

function claim(schema: string): string {
  return `
CREATE FUNCTION ${schema}.claim(p_requests json, p_manager text, p_offset_ms bigint) RETURNS SETOF ${schema}.claimed
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  r record;
BEGIN
  FOR r IN SELECT * FROM json_to_recordset(p_requests)
      AS q(queue text, lane text, names text[], "limit" integer, "leaseMs" bigint, started boolean) LOOP
    RETURN QUERY
      WITH picked AS MATERIALIZED (
        SELECT j.id FROM ${schema}.job j
        WHERE j.status = 'queued' AND j.queue = r.queue AND j.lane = r.lane AND j.name = ANY (r.names)
        ORDER BY j.priority DESC, j.attempts_used, j.id LIMIT r."limit" FOR NO KEY UPDATE SKIP LOCKED
      ), taken AS (
        UPDATE ${schema}.job j SET status = 'in_progress', fence = j.fence + 1, lease_until = v_now + r."leaseMs",
          claimed_by = p_manager, started_at = CASE WHEN r.started THEN v_now END
        FROM picked WHERE j.id = picked.id RETURNING j.*
      ), answered AS (
        DELETE FROM ${schema}.wake_mark w WHERE w.job_id IN (
          SELECT m.job_id FROM ${schema}.wake_mark m WHERE m.job_id IN (SELECT t.id FROM taken t WHERE t.wake_key IS NOT NULL)
          FOR UPDATE SKIP LOCKED)
      )
      SELECT ${claimedColumns("t")} FROM taken t ORDER BY t.priority DESC, t.attempts_used, t.id;
  END LOOP;
END $$;
`;
}

/** A renewal stays a heap-only update: no index has what it changes (L9). */
function renew(schema: string): string {
  return `
CREATE FUNCTION ${schema}.renew(p_leases json, p_offset_ms bigint) RETURNS TABLE (id bigint, fence integer, cancel boolean)
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
BEGIN
  RETURN QUERY
    WITH asked AS MATERIALIZED (
      SELECT l.id, l.fence, max(l."leaseMs") AS lease FROM json_to_recordset(p_leases) AS l(id bigint, fence integer, "leaseMs" bigint)
      GROUP BY l.id, l.fence
    ), held AS MATERIALIZED (
      SELECT j.id, a.fence, a.lease FROM asked a JOIN ${schema}.job j ON j.id = a.id AND j.fence = a.fence AND j.status = 'in_progress'
      ORDER BY j.id FOR NO KEY UPDATE OF j
    )
    UPDATE ${schema}.job j SET lease_until = v_now + h.lease, started_at = coalesce(j.started_at, v_now)
    FROM held h WHERE j.id = h.id AND j.fence = h.fence AND j.status = 'in_progress'
    RETURNING j.id, j.fence, j.cancel_requested;
END $$;
`;
}

/** What a passing of time brings back: attempts without a lease, delayed jobs that are due. */
function comeBack(schema: string): string {
  return `
CREATE FUNCTION ${schema}.expired(p_limit integer, p_offset_ms bigint) RETURNS SETOF ${schema}.claimed
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
BEGIN
  RETURN QUERY SELECT ${claimedColumns("j")} FROM ${schema}.job j
    WHERE j.status = 'in_progress' AND j.lease_until <= v_now ORDER BY j.lease_until, j.id LIMIT p_limit;
END $$;

CREATE FUNCTION ${schema}.promote(p_limit integer, p_offset_ms bigint, OUT promoted integer, OUT next_in_ms bigint, OUT queues text[])
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
BEGIN
  WITH due AS MATERIALIZED (
    SELECT j.id FROM ${schema}.job j WHERE j.status = 'delayed' AND j.ready_at <= v_now
    ORDER BY j.ready_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
  ), moved AS (
    UPDATE ${schema}.job j SET status = 'queued' FROM due WHERE j.id = due.id RETURNING j.queue
  )
  SELECT count(*), array_agg(DISTINCT queue) INTO promoted, queues FROM moved;
  SELECT j.ready_at - v_now INTO next_in_ms FROM ${schema}.job j WHERE j.status = 'delayed' ORDER BY j.ready_at LIMIT 1;
  -- What is due and still there is either beyond the limit, or in another's hands: no reason to spin on those.
  IF next_in_ms <= 0 THEN next_in_ms := CASE WHEN promoted = p_limit THEN 0 ELSE 50 END; END IF;
  DELETE FROM ${schema}.wake_kept w WHERE w.key IN (
    SELECT k.key FROM ${schema}.wake_kept k WHERE k.kept_until <= v_now ORDER BY k.kept_until LIMIT 100 FOR UPDATE SKIP LOCKED);
  -- Left by a wake whose job ended before the wake's transaction did.
  DELETE FROM ${schema}.wake_mark w WHERE w.job_id IN (
    SELECT m.job_id FROM ${schema}.wake_mark m WHERE m.marked_at <= v_now - ${limits.wakeKeptMs}
    ORDER BY m.marked_at LIMIT 100 FOR UPDATE SKIP LOCKED);
END $$;
`;
}
