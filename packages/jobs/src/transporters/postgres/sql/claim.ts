import { limits } from "../../../core/limits.ts";
import { intoReady } from "./roads.ts";
import { claimedColumns, functionSettings } from "./tables.ts";

/**
 * A claim serves its requests one after the other. For a queue without settings that is one statement, which walks the road
 * (`roads.ts`) and skips what others hold (L3): it never waits for anyone. The rows come back in the order of L1. A wake that this claim can see is answered by the attempt that begins now; one still open in another transaction is
 * not touched, and so is there at the release (L7).
 *
 * Claims of a queue with limits follow one another under its row (`queues.ts`). A request takes directed jobs of its lane and
 * names first, whatever their queue (L5). A row without an id says that its queue has more to look at.
 */
export function claimFunctions(schema: string): string {
  return claim(schema) + claimControlled(schema) + renew(schema) + comeBack(schema);
}

/** What a claim does to the jobs in `picked`, whose order is theirs. */
function takeRows(schema: string, { limited, order }: { limited: string; order: string }): string {
  return `taken AS (
        UPDATE ${schema}.job j SET status = 'in_progress', fence = j.fence + 1, lease_until = v_now + r."leaseMs",
          claimed_by = p_manager, started_at = CASE WHEN r.started THEN v_now END, limited = ${limited}
        FROM picked WHERE j.id = picked.id RETURNING j.*
      ), answered AS (
        DELETE FROM ${schema}.wake_mark w WHERE w.job_id IN (
          SELECT m.job_id FROM ${schema}.wake_mark m WHERE m.job_id IN (SELECT t.id FROM taken t WHERE t.wake_key IS NOT NULL)
          FOR UPDATE SKIP LOCKED)
      )
      SELECT ${claimedColumns("t")} FROM taken t ORDER BY ${order}`;
}

/** The first jobs of a line that nobody else holds, from its beginning on. */
function fromStart(schema: string): string {
  return `SELECT a.ctid AS place, a.id, a.rank, a.used, a.plain, a.stage_id FROM ${schema}.ready a
        WHERE a.queue = r.queue AND a.lane = r.lane AND a.name = ANY (r.names)
        ORDER BY a.rank, a.used, a.id LIMIT r."limit" FOR UPDATE SKIP LOCKED`;
}

/**
 * The same, where there are marks: the parts of the line one after the other, until there are enough (`low-water.ts`). Each kind of
 * part is bounded by whole columns: of a comparison of rows an index scan heeds the end in the first column alone.
 */
function fromMarks(schema: string): string {
  const first = (part: string, where: string): string => `SELECT * FROM (
            SELECT a.ctid AS place, a.id, a.rank, a.used, a.plain, a.stage_id FROM ${schema}.ready a
            WHERE g.part = '${part}' AND a.queue = r.queue AND a.lane = r.lane AND a.name = ANY (r.names) AND ${where}
            ORDER BY a.rank, a.used, a.id LIMIT r."limit" FOR UPDATE SKIP LOCKED) "${part}"`;
  const group = "a.rank = g.rank AND a.used = g.used";
  return `SELECT p.* FROM json_to_recordset(r.parts) AS g(part text, rank smallint, used smallint, id bigint, below smallint) CROSS JOIN LATERAL (
          ${first("ranks", "a.rank > g.rank AND a.rank < g.below")}
          UNION ALL ${first("used", "a.rank = g.rank AND a.used > g.used AND a.used < g.below")}
          UNION ALL ${first("late", `${group} AND a.late AND a.id < g.id`)}
          UNION ALL ${first("rest", `${group} AND a.id >= g.id`)}
        ) p LIMIT r."limit"`;
}

/**
 * From table to table, the jobs' own rows only read, and once. Reading them twice cost the claim of one job 20 µs more, and looking for the wakes of
 * all of them in a join 50: few jobs have a key to be woken by.
 */
function take(schema: string, picked: string): string {
  const claimed = claimedColumns("g")
    .replace("g.fence", "g.fence + 1")
    .replace("g.started_at IS NOT NULL", "r.started")
    .replace("g.claimed_by", "p_manager");
  const columns = claimedColumns("j").replace(
    "j.started_at IS NOT NULL, j.claimed_by, j.directed IS NOT NULL",
    "j.directed",
  );
  return `
      WITH picked AS MATERIALIZED (
        ${picked}
      ), left_road AS (
        DELETE FROM ${schema}.ready a USING picked p WHERE a.ctid = p.place
      ), got AS MATERIALIZED (
        SELECT p.rank AS at_rank, p.used AS at_used, p.stage_id, CASE WHEN j.wake_key IS NULL THEN p.plain ELSE ${schema}.answer_wake(j.id) END AS plain,
          ${columns} FROM picked p JOIN ${schema}.job j ON j.id = p.id
      ), held AS (
        INSERT INTO ${schema}.running (id, lease_until, started_at, fence, plain, stage_id, lane, queue, claimed_by)
        SELECT g.id, v_now + r."leaseMs", CASE WHEN r.started THEN v_now END, g.fence + 1, g.plain, g.stage_id, r.lane, r.queue, p_manager FROM got g
      )
      SELECT ${claimed} FROM got g ORDER BY g.at_rank, g.at_used, g.id`;
}

function claim(schema: string): string {
  return `
-- Of a job that begins now; so it is not plain.
CREATE FUNCTION ${schema}.answer_wake(p_id bigint) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM ${schema}.wake_mark w WHERE w.job_id IN (
    SELECT m.job_id FROM ${schema}.wake_mark m WHERE m.job_id = p_id FOR UPDATE SKIP LOCKED);
  RETURN false;
END $$;

CREATE FUNCTION ${schema}.claim(p_requests json, p_manager text, p_offset_ms bigint) RETURNS SETOF ${schema}.claimed
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint;
  v_settings boolean;
  v_directed boolean;
  v_queues text[];
  v_ids bigint[];
  v_queue ${schema}.queue;
  v_taken integer;
  r record;
BEGIN
  -- Before the settings are read: who turns a limit on waits for this, and this for him (configure).
  LOCK TABLE ${schema}.job IN ROW EXCLUSIVE MODE;
  v_settings := EXISTS (SELECT 1 FROM ${schema}.queue);
  v_directed := EXISTS (SELECT 1 FROM ${schema}.job j WHERE j.status = 'queued' AND j.directed IS NOT NULL);
  IF v_settings OR v_directed THEN
    v_queues := ARRAY(SELECT q.queue FROM json_to_recordset(p_requests) AS q(queue text)
      UNION SELECT j.queue FROM ${schema}.job j WHERE j.status = 'queued' AND j.directed IS NOT NULL);
    PERFORM ${schema}.lock_queues(v_queues);
  END IF;
  v_now := ${schema}.now_ms(p_offset_ms);
  FOR r IN SELECT * FROM json_to_recordset(p_requests)
      AS q(queue text, lane text, names text[], "limit" integer, "leaseMs" bigint, started boolean, parts json) LOOP
    IF v_directed THEN
      v_ids := ${schema}.pick_directed(v_queues, r.lane, r.names, r."limit");
      RETURN QUERY WITH picked AS MATERIALIZED (SELECT p.id FROM unnest(v_ids) AS p(id)), ${takeRows(schema, {
        limited: `EXISTS (SELECT 1 FROM ${schema}.queue q WHERE q.queue = j.queue AND (q.concurrency IS NOT NULL OR q.key_concurrency IS NOT NULL))`,
        order: "array_position(v_ids, t.id)",
      })};
      r."limit" := r."limit" - cardinality(v_ids);
      CONTINUE WHEN r."limit" <= 0;
    END IF;
    IF v_settings THEN
      SELECT * INTO v_queue FROM ${schema}.queue q WHERE q.queue = r.queue;
      IF FOUND THEN
        RETURN QUERY SELECT * FROM ${schema}.claim_controlled(v_queue, to_json(r), p_manager, v_now);
        CONTINUE;
      END IF;
    END IF;
    IF r.parts IS NULL THEN
      RETURN QUERY ${take(schema, fromStart(schema))};
      GET DIAGNOSTICS v_taken = ROW_COUNT;
    ELSE
      RETURN QUERY ${take(schema, fromMarks(schema))};
      GET DIAGNOSTICS v_taken = ROW_COUNT;
    END IF;
    IF v_taken > 0 THEN
      INSERT INTO ${schema}.count_delta (queue, lane, queued, in_progress) VALUES (r.queue, r.lane, -v_taken, v_taken);
    END IF;
  END LOOP;
END $$;
`;
}

/** A queue with settings: paused, limited, at a rate, aging (L2, L14, L16). Its row is locked where `serial`. */
function claimControlled(schema: string): string {
  return `
CREATE FUNCTION ${schema}.claim_controlled(p_queue ${schema}.queue, p_request json, p_manager text, v_now bigint) RETURNS SETOF ${schema}.claimed
LANGUAGE plpgsql AS $$
DECLARE
  v_limited boolean := p_queue.concurrency IS NOT NULL OR p_queue.key_concurrency IS NOT NULL;
  v_allowed integer;
  v_taken integer := 0;
  v_parked integer := 0;
  v_tokens double precision;
  v_ids bigint[];
  v_full bigint[];
  v_more ${schema}.claimed;
  r record;
BEGIN
  SELECT * INTO r FROM json_to_record(p_request)
    AS q(queue text, lane text, names text[], "limit" integer, "leaseMs" bigint, started boolean);
  IF p_queue.paused THEN RETURN; END IF;
  v_allowed := r."limit";
  IF p_queue.rate_per_second IS NOT NULL THEN
    v_tokens := ${schema}.tokens(p_queue, v_now);
    v_allowed := least(v_allowed, floor(v_tokens));
  END IF;
  IF p_queue.concurrency IS NOT NULL THEN
    v_allowed := least(v_allowed, p_queue.concurrency - (
      SELECT count(*) FROM ${schema}.job j WHERE j.limited AND j.status = 'in_progress' AND j.queue = r.queue));
  END IF;
  WHILE v_taken < v_allowed AND v_parked < ${limits.parkedPerClaimMax} LOOP
    IF p_queue.aging_ms IS NULL THEN
      v_ids := ${schema}.pick_strict(r.queue, r.lane, r.names, v_allowed - v_taken);
    ELSE
      v_ids := ${schema}.pick_aged(r.queue, r.lane, r.names, v_allowed - v_taken, p_queue.aging_ms, v_now);
    END IF;
    EXIT WHEN v_ids IS NULL;
    IF p_queue.key_concurrency IS NOT NULL THEN
      SELECT array_agg(g.id ORDER BY g.place) FILTER (WHERE g.fits), array_agg(g.id) FILTER (WHERE NOT g.fits) INTO v_ids, v_full FROM (
        SELECT p.id, p.place, j.limit_key IS NULL OR ${schema}.key_running(r.queue, j.limit_key)
          + row_number() OVER (PARTITION BY j.limit_key ORDER BY p.place) <= p_queue.key_concurrency AS fits
        FROM unnest(v_ids) WITH ORDINALITY AS p(id, place) JOIN ${schema}.job j ON j.id = p.id) g;
      PERFORM ${schema}.leave_ready(v_full);
      UPDATE ${schema}.job j SET parked = j.version WHERE j.id = ANY (v_full);
      v_parked := v_parked + coalesce(cardinality(v_full), 0);
    END IF;
    CONTINUE WHEN v_ids IS NULL;
    v_taken := v_taken + cardinality(v_ids);
    PERFORM ${schema}.leave_ready(v_ids);
    RETURN QUERY WITH picked AS MATERIALIZED (SELECT p.id FROM unnest(v_ids) AS p(id)), ${takeRows(schema, {
      limited: "v_limited",
      order: "array_position(v_ids, t.id)",
    })};
  END LOOP;
  IF v_taken > 0 AND v_tokens IS NOT NULL THEN
    UPDATE ${schema}.queue q SET tokens = v_tokens - v_taken, tokens_at = v_now WHERE q.queue = r.queue;
  END IF;
  IF v_parked >= ${limits.parkedPerClaimMax} THEN
    v_more.queue := r.queue;
    RETURN NEXT v_more;
  END IF;
END $$;
`;
}

/** A renewal stays a heap-only update: no index has what it changes (L9). */
function renew(schema: string): string {
  const leases = `SELECT l.id, l.fence, max(l."leaseMs") AS lease FROM json_to_recordset(p_leases) AS l(id bigint, fence integer, "leaseMs" bigint)
      GROUP BY l.id, l.fence ORDER BY l.id`;
  return `
CREATE FUNCTION ${schema}.renew(p_leases json, p_offset_ms bigint) RETURNS TABLE (id bigint, fence integer, cancel boolean)
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_renewed integer;
BEGIN
  RETURN QUERY
    WITH asked AS MATERIALIZED (${leases})
    UPDATE ${schema}.running r SET lease_until = v_now + a.lease, started_at = coalesce(r.started_at, v_now)
    FROM asked a WHERE r.id = a.id AND r.fence = a.fence RETURNING r.id, r.fence, false;
  GET DIAGNOSTICS v_renewed = ROW_COUNT;
  IF v_renewed = (SELECT count(*) FROM (${leases}) l) THEN RETURN; END IF;
  RETURN QUERY
    WITH asked AS MATERIALIZED (${leases}), held AS MATERIALIZED (
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
  -- Both are as few as there are slots.
  RETURN QUERY SELECT ${claimedColumns("n")} FROM (
    SELECT j.id, j.lease_until FROM ${schema}.job j WHERE j.status = 'in_progress' AND j.lease_until <= v_now
    UNION ALL SELECT h.id, h.lease_until FROM ${schema}.running h WHERE h.lease_until <= v_now ORDER BY 2, 1 LIMIT p_limit
  ) e JOIN ${schema}.job_now n ON n.id = e.id ORDER BY e.lease_until, e.id;
END $$;

CREATE FUNCTION ${schema}.promote(p_limit integer, p_offset_ms bigint, OUT promoted integer, OUT next_in_ms bigint, OUT queues text[])
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_unparked integer;
  v_queue text;
BEGIN
  WITH due AS MATERIALIZED (
    SELECT j.id FROM ${schema}.job j WHERE j.status = 'delayed' AND j.ready_at <= v_now
    ORDER BY j.ready_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
  ), moved AS (
    UPDATE ${schema}.job j SET status = 'queued' FROM due WHERE j.id = due.id RETURNING j.*
  ), added AS (
    ${intoReady(schema, "moved j")}
  )
  SELECT count(*), array_agg(DISTINCT queue) INTO promoted, queues FROM moved;
  SELECT u.unparked, u.queue INTO v_unparked, v_queue FROM ${schema}.unpark_some(p_limit - promoted) u;
  IF v_unparked > 0 THEN
    promoted := promoted + v_unparked;
    queues := queues || v_queue;
  END IF;
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
