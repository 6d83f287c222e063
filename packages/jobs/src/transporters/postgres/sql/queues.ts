import { limits } from "../../../core/limits.ts";
import { intoReady } from "./roads.ts";
import { functionSettings } from "./tables.ts";

/** SQLSTATE raised by an enqueue into a full queue; the text is its name, depth, what would come, and the limit, as JSON. */
export const queueFullState = "PV003";

/**
 * Settings of queues (L2, L14, L16). What depends on the number of running jobs happens under the queue's row, taken in
 * the order of names. The order of locks: flows, jobs, queues; who holds a queue waits for nothing behind it: jobs are taken
 * with SKIP LOCKED there.
 */
export function queueFunctions(schema: string): string {
  return configure(schema) + refuseFull(schema) + release(schema) + unpark(schema) + pick(schema);
}

/** What the change names is set, the rest stays. */
function set(column: string, key: string, type: string): string {
  return `${column} = CASE WHEN p_change ? '${key}' THEN (p_change ->> '${key}')::${type} ELSE q.${column} END`;
}

/**
 * A concurrency limit is turned on while nobody claims or settles: every claim takes its lock on the table before it reads
 * the queue's settings, so that one that began without the limit has committed, and what it took is counted.
 */
function configure(schema: string): string {
  return `
CREATE FUNCTION ${schema}.lock_queues(p_queues text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM ${schema}.queue q WHERE q.queue = ANY (p_queues) AND q.serial ORDER BY q.queue FOR NO KEY UPDATE;
END $$;

CREATE FUNCTION ${schema}.configure(p_queue text, p_change jsonb, p_offset_ms bigint) RETURNS ${schema}.queue
LANGUAGE plpgsql ${functionSettings.replace("'10s'", "'2s'")} AS $$
DECLARE
  v_before ${schema}.queue;
  v_after ${schema}.queue;
  v_now bigint;
BEGIN
  IF p_change ->> 'concurrency' IS NOT NULL OR p_change ->> 'keyConcurrency' IS NOT NULL THEN
    PERFORM 1 FROM ${schema}.queue q WHERE q.queue = p_queue AND (q.concurrency IS NOT NULL OR q.key_concurrency IS NOT NULL);
    IF NOT FOUND THEN LOCK TABLE ${schema}.job IN EXCLUSIVE MODE; END IF;
  END IF;
  INSERT INTO ${schema}.queue (queue) VALUES (p_queue) ON CONFLICT DO NOTHING;
  SELECT * INTO v_before FROM ${schema}.queue q WHERE q.queue = p_queue FOR NO KEY UPDATE;
  v_now := ${schema}.now_ms(p_offset_ms);
  UPDATE ${schema}.queue q SET ${set("paused", "paused", "boolean")}, ${set("weight", "weight", "integer")},
    ${set("concurrency", "concurrency", "integer")}, ${set("key_concurrency", "keyConcurrency", "integer")},
    ${set("rate_per_second", "ratePerSecond", "double precision")}, ${set("rate_burst", "rateBurst", "integer")},
    ${set("aging_ms", "agingMs", "bigint")}, ${set("depth_max", "depthMax", "integer")} WHERE q.queue = p_queue RETURNING * INTO v_after;
  UPDATE ${schema}.queue q SET tokens_at = v_now,
    tokens = CASE WHEN q.rate_per_second IS NULL THEN 0 ELSE least(coalesce(q.rate_burst, greatest(1, ceil(q.rate_per_second))),
      CASE WHEN v_before.rate_per_second IS NULL THEN 'infinity' ELSE ${schema}.tokens(v_before, v_now) END) END,
    unparking = q.unparking OR (v_before.key_concurrency IS NOT NULL AND v_before.key_concurrency IS DISTINCT FROM q.key_concurrency)
    WHERE q.queue = p_queue;
  IF v_before.concurrency IS NULL AND v_before.key_concurrency IS NULL AND (v_after.concurrency IS NOT NULL OR v_after.key_concurrency IS NOT NULL) THEN
    PERFORM ${schema}.write_running(ARRAY(SELECT r.id FROM ${schema}.running r WHERE r.queue = p_queue));
    UPDATE ${schema}.job j SET limited = true WHERE j.status = 'in_progress' AND j.queue = p_queue AND NOT j.limited;
  END IF;
  RETURN v_after;
END $$;

-- As \`tokensAfter\` in core/queue.ts.
CREATE FUNCTION ${schema}.tokens(p_queue ${schema}.queue, p_now bigint) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT least(coalesce(p_queue.rate_burst, greatest(1, ceil(p_queue.rate_per_second))),
    p_queue.tokens + greatest(0, p_now - p_queue.tokens_at) * p_queue.rate_per_second / 1000)
$$;
`;
}

/**
 * Jobs of queues with limits have come to their end, or back: the best that wait for their keys come back in line, of each name,
 * since not every manager runs every name. The queue is locked after the settlement was written: a claim that set a job aside meanwhile
 * has committed by then, and one that comes later sees the key as free as it is. Returns the queues.
 */
function release(schema: string): string {
  return `
CREATE FUNCTION ${schema}.release_limits(p_ids bigint[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  v_queues text[] := ARRAY(SELECT DISTINCT j.queue FROM unnest(p_ids) AS p(id) JOIN ${schema}.job j ON j.id = p.id);
BEGIN
  PERFORM ${schema}.lock_queues(v_queues);
  PERFORM ${schema}.unpark_keys(p_ids);
  RETURN v_queues;
END $$;

-- Without the queue's lock for jobs that leave the line unstarted (cancel, hold), which may be in somebody's open transaction: who
-- parks another of their key meanwhile has seen it full, and the settlement that frees it looks again.
CREATE FUNCTION ${schema}.unpark_keys(p_ids bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_free integer;
  v_back integer;
  v_name text;
  r record;
BEGIN
  FOR r IN SELECT DISTINCT j.queue, j.limit_key, q.key_concurrency FROM unnest(p_ids) AS p(id) JOIN ${schema}.job j ON j.id = p.id
      JOIN ${schema}.queue q ON q.queue = j.queue WHERE j.limit_key IS NOT NULL AND q.key_concurrency IS NOT NULL LOOP
    v_free := r.key_concurrency - ${schema}.key_running(r.queue, r.limit_key);
    CONTINUE WHEN v_free <= 0;
    v_name := '';
    LOOP
      SELECT j.name INTO v_name FROM ${schema}.job j WHERE j.status = 'queued' AND j.parked = j.version AND j.queue = r.queue
        AND j.limit_key = r.limit_key AND j.name > v_name ORDER BY j.name LIMIT 1;
      EXIT WHEN NOT FOUND;
      WITH back AS (
        UPDATE ${schema}.job j SET parked = -1 WHERE j.id IN (
        SELECT p.id FROM ${schema}.job p WHERE p.status = 'queued' AND p.parked = p.version AND p.queue = r.queue AND p.limit_key = r.limit_key
          AND p.name = v_name ORDER BY p.priority DESC, p.attempts_used, p.id LIMIT v_free FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING j.*
      )
      ${intoReady(schema, "back j")};
      GET DIAGNOSTICS v_back = ROW_COUNT;
      -- Fewer than asked for: there are no more, or somebody's transaction holds them. Then \`promote\` looks again.
      IF v_back < v_free AND EXISTS (SELECT 1 FROM ${schema}.job j WHERE j.status = 'queued' AND j.parked = j.version
          AND j.queue = r.queue AND j.limit_key = r.limit_key AND j.name = v_name) THEN
        UPDATE ${schema}.queue q SET unparking = true WHERE q.queue = r.queue;
      END IF;
    END LOOP;
  END LOOP;
END $$;

CREATE FUNCTION ${schema}.key_running(p_queue text, p_key text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM ${schema}.job j WHERE j.limited AND j.status = 'in_progress' AND j.queue = p_queue AND j.limit_key = p_key
$$;
`;
}

/**
 * Backpressure (L14): depths come from the counters of L15, whatever the backlog. Two enqueues at the same moment may each see room for
 * itself: a queue's depth is a bound on what piles up, not a lock.
 */
function refuseFull(schema: string): string {
  return `
CREATE FUNCTION ${schema}.refuse_full(p_jobs json, p_skip integer[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  r record;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM ${schema}.queue q WHERE q.depth_max IS NOT NULL) THEN RETURN; END IF;
  FOR r IN SELECT q.queue, q.depth_max, n.more, (SELECT coalesce(sum(c.waiting + c.delayed + c.queued), 0) FROM (
        SELECT k.waiting, k.delayed, k.queued FROM ${schema}.count k WHERE k.queue = q.queue
        UNION ALL SELECT d.waiting, d.delayed, d.queued FROM ${schema}.count_delta d WHERE d.queue = q.queue) c) AS depth
      FROM (SELECT j.queue, count(*) AS more FROM json_to_recordset(p_jobs) AS j(item integer, queue text)
        WHERE j.item <> ALL (p_skip) GROUP BY j.queue) n
      JOIN ${schema}.queue q ON q.queue = n.queue WHERE q.depth_max IS NOT NULL LOOP
    IF r.depth + r.more > r.depth_max THEN
      RAISE EXCEPTION '%', json_build_array(r.queue, r.depth, r.more, r.depth_max) USING ERRCODE = '${queueFullState}';
    END IF;
  END LOOP;
END $$;
`;
}

/** Brings parked jobs of a queue whose key limit was changed back in line, so many at a time (L14). */
function unpark(schema: string): string {
  return `
CREATE FUNCTION ${schema}.unpark_some(p_limit integer, OUT unparked integer, OUT queue text) LANGUAGE plpgsql AS $$
BEGIN
  unparked := 0;
  SELECT q.queue INTO queue FROM ${schema}.queue q WHERE q.unparking ORDER BY q.queue LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN RETURN; END IF;
  WITH back AS (
    UPDATE ${schema}.job j SET parked = -1 WHERE j.id IN (SELECT p.id FROM ${schema}.job p WHERE p.status = 'queued' AND p.parked = p.version
      AND p.queue = unpark_some.queue LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED) RETURNING j.*
  )
  ${intoReady(schema, "back j")};
  GET DIAGNOSTICS unparked = ROW_COUNT;
  UPDATE ${schema}.queue q SET unparking = false WHERE q.queue = unpark_some.queue AND NOT EXISTS (SELECT 1 FROM ${schema}.job j
    WHERE j.status = 'queued' AND j.parked = j.version AND j.queue = unpark_some.queue);
END $$;
`;
}

/** Ready jobs of one line in the order they are to be taken, locked: on the road, and their rows, which are to be written. */
function pick(schema: string): string {
  const line = "a.queue = p_queue AND a.lane = p_lane";
  return `
CREATE FUNCTION ${schema}.pick_strict(p_queue text, p_lane text, p_names text[], p_limit integer) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
  RETURN (SELECT array_agg(p.id ORDER BY p.rank, p.used, p.id) FROM (
    SELECT a.id, a.rank, a.used FROM ${schema}.ready a JOIN ${schema}.job j ON j.id = a.id WHERE ${line} AND a.name = ANY (p_names)
    ORDER BY a.rank, a.used, a.id LIMIT p_limit FOR NO KEY UPDATE OF j SKIP LOCKED FOR UPDATE OF a SKIP LOCKED) p);
END $$;

-- L16. Priorities that grow with time fit no index; but within one priority and one number of attempts the order stays that of
-- ids, and such groups are few: the best of the groups' first ones are the best of all. As \`agedPriority\` in core/queue.ts.
CREATE FUNCTION ${schema}.pick_aged(p_queue text, p_lane text, p_names text[], p_limit integer, p_aging bigint, p_now bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  v_best bigint[];
BEGIN
  WITH aged AS (
    SELECT m.id, m.used, greatest(0, p_now - m.ready_at) / p_aging - m.rank AS priority FROM ${schema}.ready_groups(p_queue, p_lane) g CROSS JOIN LATERAL (
      SELECT a.id, a.used, a.rank, j.ready_at FROM ${schema}.ready a JOIN ${schema}.job j ON j.id = a.id
      WHERE ${line} AND a.rank = g.rank AND a.used = g.used AND a.name = ANY (p_names)
      ORDER BY a.rank, a.used, a.id LIMIT p_limit) m
    ORDER BY 3 DESC, 2, 1 LIMIT p_limit
  )
  SELECT array_agg(a.id ORDER BY a.priority DESC, a.used, a.id) INTO v_best FROM aged a;
  RETURN (SELECT array_agg(p.id ORDER BY array_position(v_best, p.id)) FROM (
    SELECT j.id FROM unnest(v_best) AS b(id) JOIN ${schema}.job j ON j.id = b.id
      JOIN ${schema}.ready a ON a.queue = j.queue AND a.lane = j.lane AND a.rank = -j.priority AND a.used = j.attempts_used AND a.id = j.id
    ORDER BY j.id FOR NO KEY UPDATE OF j SKIP LOCKED FOR UPDATE OF a SKIP LOCKED) p);
END $$;

-- Those whose queue or key is full are stepped over, and stay ahead (L5). One after the other: what is taken fills its key.
CREATE FUNCTION ${schema}.pick_directed(p_queues text[], p_lane text, p_names text[], p_limit integer) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  v_ids bigint[] := '{}';
  r record;
BEGIN
  FOR r IN SELECT j.id, j.queue, j.limit_key, q.concurrency, q.key_concurrency FROM ${schema}.job j LEFT JOIN ${schema}.queue q ON q.queue = j.queue
      WHERE j.status = 'queued' AND j.directed IS NOT NULL AND j.lane = p_lane AND j.name = ANY (p_names) AND j.queue = ANY (p_queues)
      ORDER BY j.directed, j.id LIMIT ${limits.batchJobsMax} FOR NO KEY UPDATE OF j SKIP LOCKED LOOP
    EXIT WHEN cardinality(v_ids) >= p_limit;
    CONTINUE WHEN r.concurrency <= (SELECT count(*) FROM ${schema}.job j WHERE j.limited AND j.status = 'in_progress' AND j.queue = r.queue)
      + (SELECT count(*) FROM ${schema}.job j WHERE j.id = ANY (v_ids) AND j.queue = r.queue);
    CONTINUE WHEN r.limit_key IS NOT NULL AND r.key_concurrency <= ${schema}.key_running(r.queue, r.limit_key)
      + (SELECT count(*) FROM ${schema}.job j WHERE j.id = ANY (v_ids) AND j.queue = r.queue AND j.limit_key = r.limit_key);
    v_ids := v_ids || r.id;
  END LOOP;
  RETURN v_ids;
END $$;
`;
}
