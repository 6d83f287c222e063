import { claimedColumns, functionSettings } from "./tables.ts";

/**
 * Ends attempts (L3): one statement for the whole batch, by compare-and-set on the fence (and the version for `retry` and
 * `defer`), after one for what can end on the road. Only jobs in flows cost more: `move_gates`, in the same act and round trip.
 *
 * Locks come in one order everywhere: the stripes of wake keys, then flows by id, then jobs by id. The locks are statements of
 * their own, since the next statement of a function sees what was committed while it waited.
 *
 * `p_ids` and the arrays beside it are those that are processed and enqueue nothing, `p_items` all others; `place` is a settlement's
 * place in the call. `p_enqueue`: what a processed job enqueues with its end, null when there is nothing; that of refused settlements is left out.
 */
export function settleFunctions(schema: string): string {
  return lockFlows(schema) + settle(schema) + settleOnRoad(schema) + applySettlements(schema);
}

/** A settlement as it is sent (`settlements.ts`). */
const itemColumns = `place integer, id bigint, fence integer, version integer, kind text, cause text, expired boolean, started bigint,
      delay bigint, priority smallint, used smallint, crashes smallint, errors smallint, wake text, failure text, result text`;

function lockFlows(schema: string): string {
  return `
-- OFFSET 0 keeps the look by primary key, whatever partial index the condition outside would fit.
CREATE FUNCTION ${schema}.lock_flows(p_jobs bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_flows bigint[];
BEGIN
  SELECT array_agg(DISTINCT m.flow_id) INTO v_flows FROM (
    SELECT j.flow_id, j.stage_id FROM unnest(p_jobs) AS p(id) JOIN ${schema}.job j ON j.id = p.id OFFSET 0) m
    WHERE m.stage_id IS NOT NULL;
  IF v_flows IS NOT NULL THEN
    PERFORM 1 FROM ${schema}.flow f WHERE f.id = ANY (v_flows) ORDER BY f.id FOR NO KEY UPDATE;
  END IF;
END $$;
`;
}

function settle(schema: string): string {
  return `
CREATE FUNCTION ${schema}.settle(p_ids bigint[], p_fences integer[], p_results text[], p_places integer[], p_started integer[], p_items json, p_enqueue json,
  p_offset_ms bigint, OUT refused json, OUT queues text[]) LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_items text := p_items::text;
  v_left integer[];
  v_ids bigint[];
  v_look bigint[] := '{}';
  v_wakes integer[];
  v_lost integer[];
  v_shut bigint[];
  v_ended bigint[];
  v_open bigint[];
  v_back bigint[];
  v_limited bigint[];
BEGIN
  IF p_ids IS NOT NULL THEN
    -- Where the first is no plain one, the others are hardly.
    IF EXISTS (SELECT 1 FROM ${schema}.running r WHERE r.id = p_ids[1] AND NOT r.plain) THEN
      v_left := ARRAY(SELECT n FROM generate_subscripts(p_ids, 1) AS n);
    ELSE
      SELECT e.rest INTO v_left FROM ${schema}.settle_on_road(p_ids, p_fences, p_results, p_started, NULL, v_now) e;
    END IF;
  END IF;
  IF v_left IS NULL AND v_items IS NULL THEN RETURN; END IF;
  v_wakes := ARRAY(SELECT DISTINCT ${schema}.stripe(coalesce(i.wake, j.wake_key))
    FROM json_to_recordset(p_items) AS i(id bigint, kind text, cause text, wake text) JOIN ${schema}.job j ON j.id = i.id
    WHERE (i.kind = 'defer' OR i.kind = 'retry' AND i.cause = 'released') AND coalesce(i.wake, j.wake_key) IS NOT NULL ORDER BY 1);
  IF cardinality(v_wakes) > 0 THEN PERFORM ${schema}.lock_releases(v_wakes); END IF;
  PERFORM ${schema}.lock_flows(ARRAY(SELECT p_ids[n] FROM unnest(v_left) AS n)
    || ARRAY(SELECT i.id FROM json_to_recordset(p_items) AS i(id bigint, kind text) WHERE i.kind NOT IN ('retry', 'defer')));
  IF v_left IS NOT NULL THEN
    SELECT e.rest, e.stages INTO v_left, v_look FROM ${schema}.settle_on_road(p_ids, p_fences, p_results, p_started, v_left, ${schema}.now_ms(p_offset_ms)) e;
  END IF;
  IF v_left IS NOT NULL THEN
    -- Put together as text: \`jsonb\` would refuse what a result may hold.
    v_items := coalesce(left(v_items, -1) || ',', '[') || (SELECT string_agg(json_build_object('place', p_places[n], 'id', p_ids[n], 'fence', p_fences[n],
      'kind', 'processed', 'result', p_results[n], 'started', p_started[n])::text, ',') FROM unnest(v_left) AS n) || ']';
  END IF;
  IF v_items IS NULL THEN
    queues := ${schema}.move_gates('{}', '{}', v_look, ${schema}.now_ms(p_offset_ms));
    RETURN;
  END IF;
  v_ids := ARRAY(SELECT i.id FROM json_to_recordset(v_items::json) AS i(id bigint));
  PERFORM 1 FROM ${schema}.job j WHERE j.id = ANY (v_ids) ORDER BY j.id FOR NO KEY UPDATE;
  PERFORM 1 FROM ${schema}.running r WHERE r.id = ANY (v_ids) ORDER BY r.id FOR UPDATE;
  v_now := ${schema}.now_ms(p_offset_ms);
  SELECT a.refused, a.lost, a.queues, a.shut, a.ended, a.opening, a.back, a.limited
    INTO refused, v_lost, queues, v_shut, v_ended, v_open, v_back, v_limited FROM ${schema}.apply_settlements(v_items::json, v_now) a;
  IF v_back IS NOT NULL THEN PERFORM ${schema}.road(v_back); END IF;
  IF v_shut IS NOT NULL THEN PERFORM ${schema}.shut_children(s.id, v_now) FROM unnest(v_shut) AS s(id); END IF;
  IF v_open IS NOT NULL THEN
    v_open := ARRAY(SELECT s.id FROM ${schema}.stage s WHERE s.parent_id = ANY (v_open) AND s.position = 0 AND s.state = 'waiting');
  END IF;
  IF v_ended IS NOT NULL OR v_open IS NOT NULL OR cardinality(v_look) > 0 THEN
    queues := queues || ${schema}.move_gates(coalesce(v_ended, '{}'), coalesce(v_open, '{}'), v_look, v_now);
  END IF;
  IF p_enqueue IS NOT NULL THEN
    PERFORM ${schema}.enqueue((p_enqueue ->> 'total')::integer, p_enqueue -> 'jobs', p_enqueue -> 'flows', p_enqueue -> 'stages',
      p_enqueue -> 'keys',
      ARRAY(SELECT i::integer FROM unnest(v_lost) AS l(place), json_array_elements_text(p_enqueue -> 'itemsOf' -> l.place::text) AS i),
      p_offset_ms);
  END IF;
  -- Last of all: its lock is the one behind which nothing is waited for.
  IF v_limited IS NOT NULL THEN queues := queues || ${schema}.release_limits(v_limited); END IF;
END $$;
`;
}

/**
 * Processed, and nothing hangs on it: two narrow rows change places. With `p_of`, for which the flows are locked, those at these places of
 * the arrays, and then leaves of flows too: their stages are counted down, and those are told that have no member left. `rest` are the
 * places of what has to be settled in full: a job with more to it, or one whose row has been written since (`full`). Locks come
 * in the order of ids, as those of a renewal do.
 */
function settleOnRoad(schema: string): string {
  const which = {
    all: "unnest(p_ids, p_fences, p_results, p_started) WITH ORDINALITY AS u(id, fence, result, started, n)",
    some: "(SELECT p_ids[p.n] AS id, p_fences[p.n] AS fence, p_results[p.n] AS result, p_started[p.n] AS started, p.n FROM unnest(p_of) AS p(n)) u",
  };
  const end = (from: string, condition: string): string => `asked AS MATERIALIZED (
      SELECT u.id, u.fence, u.result, u.started, u.n::integer AS n FROM ${from} ORDER BY u.id
    ), ended AS (
      DELETE FROM ${schema}.running r USING asked a WHERE r.id = a.id AND r.fence = a.fence AND ${condition} RETURNING r.*, a.result, a.n, a.started
    ), kept AS (
      INSERT INTO ${schema}.done (id, started_at, finished_at, fence, stage_id, lane, queue, claimed_by, result)
      SELECT e.id, coalesce(e.started_at, p_now - e.started), p_now, e.fence, e.stage_id, e.lane, e.queue, e.claimed_by, e.result FROM ended e
    ), counted AS (
      INSERT INTO ${schema}.count_delta (queue, lane, in_progress, processed)
      SELECT e.queue, e.lane, -count(*), count(*) FROM ended e GROUP BY e.queue, e.lane
    )`;
  const rest = "(SELECT array_agg(a.n) FROM asked a WHERE a.n NOT IN (SELECT e.n FROM ended e))";
  return `
CREATE FUNCTION ${schema}.settle_on_road(p_ids bigint[], p_fences integer[], p_results text[], p_started integer[], p_of integer[], p_now bigint,
  OUT rest integer[], OUT stages bigint[]) LANGUAGE plpgsql AS $$
BEGIN
  IF p_of IS NULL THEN
    WITH ${end(which.all, "r.plain")}
    SELECT ${rest} INTO rest;
    RETURN;
  END IF;
  WITH ${end(which.some, "(r.plain OR r.stage_id IS NOT NULL)")}, told AS (
    UPDATE ${schema}.stage s SET unfinished = s.unfinished - g.n
    FROM (SELECT e.stage_id, count(*) AS n FROM ended e WHERE e.stage_id IS NOT NULL GROUP BY e.stage_id) g
    WHERE s.id = g.stage_id RETURNING s.id, s.unfinished
  )
  SELECT ${rest}, coalesce((SELECT array_agg(t.id) FROM told t WHERE t.unfinished <= 0), '{}') INTO rest, stages;
END $$;
`;
}

/**
 * What becomes of each settlement, by the job's row and, where it is claimed by `running`, by that; and off `running` with it, also where
 * the job's row has been deleted by hand: such an end is refused, and holds up no other.
 */
function judged(schema: string): string {
  return `item AS MATERIALIZED (
    SELECT i.*, row_number() OVER (PARTITION BY i.id ORDER BY i.place) AS nth
    FROM json_to_recordset(p_items) AS i(${itemColumns})
  ), judged AS MATERIALIZED (
    SELECT i.*, coalesce(CASE WHEN r.id IS NULL THEN j.started_at ELSE r.started_at END, p_now - i.started) AS started_at, coalesce(r.claimed_by, j.claimed_by) AS claimed_by,
      j.priority AS before, j.wake_key AS known, r.id AS held, j.id IS NULL AND r.fence = i.fence AS missing,
      CASE
        WHEN i.nth > 1 OR j.id IS NULL OR coalesce(r.fence, CASE WHEN j.status = 'in_progress' THEN j.fence END) IS DISTINCT FROM i.fence THEN 'fence'
        WHEN i.expired AND coalesce(r.lease_until, j.lease_until) > p_now THEN 'not-expired'
        WHEN i.kind IN ('retry', 'defer') AND j.version <> i.version THEN 'version'
        ELSE 'applied'
      END AS verdict
    FROM item i LEFT JOIN ${schema}.job j ON j.id = i.id LEFT JOIN ${schema}.running r ON r.id = i.id
  ), gone AS (
    DELETE FROM ${schema}.running r USING judged g WHERE (g.verdict = 'applied' OR g.missing) AND r.id = g.held RETURNING r.queue, r.lane
  ), uncounted AS (
    INSERT INTO ${schema}.count_delta (queue, lane, queued, in_progress)
    SELECT g.queue, g.lane, count(*), -count(*) FROM gone g GROUP BY g.queue, g.lane
  )`;
}

/**
 * The one statement. `woken`: a wake came while the attempt ran, or was kept for the key and not taken by an earlier
 * settlement of the same batch. A claim that was never started leaves no record of an attempt (L4); of deferrals, which have
 * no budget, only the latest is kept (L14).
 */
function applySettlements(schema: string): string {
  return `
CREATE FUNCTION ${schema}.apply_settlements(p_items json, p_now bigint,
  OUT refused json, OUT lost integer[], OUT queues text[], OUT shut bigint[], OUT ended bigint[], OUT opening bigint[], OUT back bigint[], OUT limited bigint[])
LANGUAGE plpgsql AS $$
BEGIN
  WITH ${judged(schema)}, released AS MATERIALIZED (
    SELECT g.id, coalesce(g.wake, g.known) AS key, row_number() OVER (PARTITION BY coalesce(g.wake, g.known) ORDER BY g.place) AS nth
    FROM judged g WHERE g.verdict = 'applied' AND coalesce(g.wake, g.known) IS NOT NULL
      AND (g.kind = 'defer' OR g.kind = 'retry' AND g.cause = 'released')
  ), kept AS (
    DELETE FROM ${schema}.wake_kept k USING released r WHERE k.key = r.key AND r.nth = 1 RETURNING r.id, k.kept_until
  ), woken AS (
    SELECT k.id FROM kept k WHERE k.kept_until > p_now
    UNION SELECT m.job_id FROM ${schema}.wake_mark m JOIN released r ON r.id = m.job_id
  ), applied AS (
    UPDATE ${schema}.job j SET
      status = CASE WHEN g.kind NOT IN ('retry', 'defer') THEN g.kind WHEN g.delay > 0 AND NOT g.woken THEN 'delayed' ELSE 'queued' END,
      ready_at = CASE WHEN g.kind NOT IN ('retry', 'defer') THEN j.ready_at WHEN g.woken THEN p_now ELSE p_now + g.delay END,
      finished_at = CASE WHEN g.kind NOT IN ('retry', 'defer') THEN p_now END,
      claimed_by = CASE WHEN g.kind NOT IN ('retry', 'defer') THEN g.claimed_by END, started_at = g.started_at, fence = g.fence,
      directed = CASE WHEN g.kind = 'defer' THEN j.directed END, lease_until = NULL, priority = coalesce(g.priority, j.priority), attempts_used = coalesce(g.used, j.attempts_used),
      crashes = coalesce(g.crashes, j.crashes), errors = coalesce(g.errors, j.errors), wake_key = coalesce(g.wake, j.wake_key), result = g.result,
      failure = CASE WHEN g.kind IN ('failed', 'cancelled') THEN g.failure END,
      subtree_ok = CASE WHEN g.kind IN ('failed', 'cancelled') THEN false WHEN g.kind = 'processed' AND NOT j.has_children THEN true END,
      cause_job_id = CASE WHEN g.kind IN ('failed', 'cancelled') THEN j.id END
    FROM (SELECT a.*, a.id IN (SELECT w.id FROM woken w) AS woken FROM judged a WHERE a.verdict = 'applied') g WHERE j.id = g.id
    RETURNING j.id, j.queue, j.status, j.stage_id, j.has_children, j.unique_key, j.wake_key, j.limited, g.place
  ), superseded AS (
    DELETE FROM ${schema}.attempt a USING judged g
      WHERE g.verdict = 'applied' AND g.kind = 'defer' AND a.job_id = g.id AND a.cause = 'deferred'
  ), recorded AS (
    INSERT INTO ${schema}.attempt (job_id, started_at, ended_at, fence, priority_before, priority_after, cause, claimed_by, failure)
    SELECT g.id, g.started_at, p_now, g.fence, g.before, coalesce(g.priority, g.before),
      CASE g.kind WHEN 'defer' THEN 'deferred' WHEN 'cancelled' THEN 'cancelled' ELSE g.cause END, g.claimed_by, g.failure
    FROM judged g WHERE g.verdict = 'applied' AND g.kind <> 'processed' AND g.started_at IS NOT NULL
  ), freed AS (
    DELETE FROM ${schema}.unique_key u USING applied a
      WHERE a.status IN ('processed', 'failed', 'cancelled') AND u.key = a.unique_key AND u.job_id = a.id
  ), answered AS (
    -- One that an open wake holds stays: no settlement waits for somebody's transaction here.
    DELETE FROM ${schema}.wake_mark w WHERE w.job_id IN (SELECT m.job_id FROM ${schema}.wake_mark m WHERE m.job_id IN (
      SELECT a.id FROM applied a WHERE a.status <> 'delayed' AND a.wake_key IS NOT NULL) FOR UPDATE SKIP LOCKED)
  )
  SELECT
    (SELECT json_agg(json_build_object('place', g.place, 'why', g.verdict, 'current', (
        SELECT to_json(ROW(${claimedColumns("j")})::${schema}.claimed) FROM ${schema}.job_now j WHERE g.verdict = 'version' AND j.id = g.id)))
      FROM judged g WHERE g.verdict <> 'applied'),
    (SELECT array_agg(g.place) FROM judged g WHERE g.verdict <> 'applied'),
    coalesce((SELECT array_agg(DISTINCT a.queue) FROM applied a WHERE a.status = 'queued'), '{}'),
    (SELECT array_agg(a.id ORDER BY a.place) FROM applied a WHERE a.status IN ('failed', 'cancelled') AND a.has_children),
    (SELECT array_agg(a.id ORDER BY a.place) FROM applied a
      WHERE a.stage_id IS NOT NULL AND (a.status IN ('failed', 'cancelled') OR a.status = 'processed' AND NOT a.has_children)),
    (SELECT array_agg(a.id) FROM applied a WHERE a.stage_id IS NOT NULL AND a.status = 'processed' AND a.has_children),
    (SELECT array_agg(a.id) FROM applied a WHERE a.status = 'queued'),
    (SELECT array_agg(a.id) FROM applied a WHERE a.limited) INTO refused, lost, queues, shut, ended, opening, back, limited;
END $$;
`;
}
