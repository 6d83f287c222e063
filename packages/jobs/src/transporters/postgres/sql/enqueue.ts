import { keyTaken } from "../../../core/unique.ts";
import { isPlain, leafStage } from "./roads.ts";
import { functionSettings } from "./tables.ts";

/** SQLSTATE raised when a flow's member names a unique key that another holds. */
export const uniqueKeyTakenState = "PV001";

/**
 * Adds any number of jobs and flows (L11): three inserts, whatever the number. Ids are drawn first and in order, and rows name
 * one another by place in that array, so that trees need no look-up.
 *
 * `p_keys` are the unique keys: `whole` holds for the item, else for a flow's member. They are taken in the order of the key,
 * so that two enqueues that share keys wait for one another and never in a circle. A key found held by another makes the
 * item existing (L17); one freed between the insert and the look is tried again.
 */
export function enqueueFunctions(schema: string): string {
  return enqueue(schema) + enqueuePlain(schema) + holdKeys(schema);
}

/**
 * Version 24. Whoever adds jobs adds to `count_delta` (L15) in its own statement: the trigger made the server keep a copy of each row, inputs
 * and all, to count it. And what a generated column says is worked out where it is asked for.
 */
export function addTables(schema: string): string {
  return `
DROP TRIGGER count_added ON ${schema}.job;
DROP FUNCTION ${schema}.count_added();
ALTER TABLE ${schema}.job DROP COLUMN plain;
`;
}

function enqueue(schema: string): string {
  return `
CREATE FUNCTION ${schema}.enqueue(p_total integer, p_jobs json, p_flows json, p_stages json, p_keys json, p_skip integer[],
  p_offset_ms bigint, OUT ids text[], OUT existing json) LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_skip integer[] := coalesce(p_skip, '{}');
  v_ids bigint[];
  v_existing integer[] := '{}';
  v_replaced bigint[] := '{}';
BEGIN
  -- Before ids are drawn (\`low-water.ts\`).
  LOCK TABLE ${schema}.ready IN ROW EXCLUSIVE MODE;
  PERFORM ${schema}.refuse_full(p_jobs, v_skip);
  SELECT array_agg(nextval('${schema}.id')) INTO v_ids FROM generate_series(1, p_total);
  IF p_keys IS NOT NULL THEN
    PERFORM ${schema}.lock_holders(p_keys);
    v_existing := ${schema}.hold_keys(p_keys, v_ids, v_skip, v_now);
    v_skip := v_skip || v_existing;
  END IF;
  IF p_flows IS NOT NULL THEN
    INSERT INTO ${schema}.flow (id, created_at, on_failed_job_id, status, unique_key)
      SELECT v_ids[f.n], v_now, v_ids[f.failed], 'running', f.key
      FROM json_to_recordset(p_flows) AS f(item integer, n integer, failed integer, key text) WHERE f.item <> ALL (v_skip);
    INSERT INTO ${schema}.stage (id, flow_id, parent_id, position, unfinished, policy, state)
      SELECT v_ids[s.n], v_ids[s.flow], v_ids[s.parent], s.position, s.size, s.policy, CASE WHEN s.open THEN 'open' ELSE 'waiting' END
      FROM json_to_recordset(p_stages)
        AS s(item integer, n integer, flow integer, parent integer, position integer, size integer, policy text, open boolean)
      WHERE s.item <> ALL (v_skip);
  END IF;
  WITH added AS (
    INSERT INTO ${schema}.job (id, created_at, ready_at, flow_id, parent_id, stage_id, delay_ms, timeout_ms, stage, base_priority,
      priority, attempts, has_children, is_run, status, lane, queue, name, unique_key, wake_key, limit_key, input)
    SELECT v_ids[j.n], v_now, CASE WHEN j.waits THEN v_now ELSE v_now + j.delay END, v_ids[j.flow], v_ids[j.parent],
      v_ids[j.stage], j.delay, j.timeout, j.position, j.priority, j.priority, j.attempts, coalesce(j.children, false), coalesce(j.run, false),
      CASE WHEN j.waits THEN 'waiting' WHEN j.delay > 0 THEN 'delayed' ELSE 'queued' END, j.lane, j.queue, j.name, j.key,
      j.wake, j."limitKey", j.input
    FROM json_to_recordset(p_jobs) AS j(item integer, n integer, flow integer, parent integer, stage integer, position integer,
      delay bigint, timeout bigint, priority smallint, attempts smallint, children boolean, run boolean, waits boolean, lane text,
      queue text, name text, key text, wake text, "limitKey" text, input text)
    WHERE j.item <> ALL (v_skip) RETURNING id, priority, status, ${isPlain("job")} AS plain, ${leafStage("job")} AS stage_id, lane, queue, name
  ), counted AS (
    INSERT INTO ${schema}.count_delta (queue, lane, waiting, delayed, queued)
    SELECT a.queue, a.lane, count(*) FILTER (WHERE a.status = 'waiting'), count(*) FILTER (WHERE a.status = 'delayed'),
      count(*) FILTER (WHERE a.status = 'queued') FROM added a GROUP BY a.queue, a.lane
  )
  INSERT INTO ${schema}.ready (id, rank, used, late, plain, stage_id, lane, queue, name)
    SELECT a.id, -a.priority, 0, false, a.plain, a.stage_id, a.lane, a.queue, a.name FROM added a WHERE a.status = 'queued';
  ids := v_ids::text[];
  IF cardinality(v_existing) > 0 THEN
    v_replaced := ${schema}.replace_holders(p_jobs, p_keys, v_existing, v_now);
    SELECT json_agg(json_build_object('item', k.item, 'replaced', coalesce(k.clash = 'replace' AND u.job_id = ANY (v_replaced), false), 'flow', coalesce(u.flow_id, h.flow_id)::text, 'ids',
        CASE WHEN u.flow_id IS NULL THEN ARRAY[u.job_id::text] ELSE
          ARRAY(SELECT m.id::text FROM ${schema}.job m WHERE m.flow_id = u.flow_id AND m.stage_id IS NOT NULL ORDER BY m.id) END))
      INTO existing
      FROM json_to_recordset(p_keys) AS k(item integer, key text, whole boolean, clash text)
      JOIN ${schema}.unique_key u ON u.key = k.key LEFT JOIN ${schema}.job h ON h.id = u.job_id
      WHERE k.whole AND k.item = ANY (v_existing);
  END IF;
END $$;
`;
}

/** What `Shapes` says of them. */
export const shapes = `json_to_recordset(p_shapes) AS s(shape smallint, delay bigint, timeout bigint, priority smallint, attempts smallint,
      lane text, queue text, name text)`;

/** Stands between inputs in one text, as between the texts of RFC 7464: no JSON has this character as it is. */
export const inputSeparator = "\x1e";

/**
 * Jobs alone, with nothing that another item could clash with or wait for. What they share (name, queue, priority, …) is said once, as a
 * shape: half the cost of a row in JSON for each. `p_shape_of` is null where there is but one. Each row is written where it belongs and read by
 * nobody: a CTE of the jobs' rows would keep all of them in memory for two readers. Ids come in the order of the inputs, as text.
 */
function enqueuePlain(schema: string): string {
  return `
CREATE FUNCTION ${schema}.enqueue_plain(p_inputs text, p_shape_of smallint[], p_shapes json, p_offset_ms bigint, OUT ids text)
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_inputs text[] := string_to_array(p_inputs, chr(${inputSeparator.charCodeAt(0)}));
  v_ids bigint[];
  v_added integer;
  v_shape record;
BEGIN
  -- Before ids are drawn (\`low-water.ts\`).
  LOCK TABLE ${schema}.ready IN ROW EXCLUSIVE MODE;
  IF EXISTS (SELECT 1 FROM ${schema}.queue q WHERE q.depth_max IS NOT NULL) THEN
    PERFORM ${schema}.refuse_full((SELECT json_agg(json_build_object('item', 0, 'queue', s.queue))
      FROM unnest(v_inputs, p_shape_of) AS i(input, shape) CROSS JOIN ${shapes} ${ofShape("s")}), '{}');
  END IF;
  v_ids := ARRAY(SELECT nextval('${schema}.id') FROM generate_series(1, cardinality(v_inputs)));
  FOR v_shape IN SELECT * FROM ${shapes} LOOP
    INSERT INTO ${schema}.job (id, created_at, ready_at, delay_ms, timeout_ms, base_priority, priority, attempts, status, lane, queue, name, input)
      SELECT i.id, v_now, v_now + v_shape.delay, v_shape.delay, v_shape.timeout, v_shape.priority, v_shape.priority, v_shape.attempts,
        CASE WHEN v_shape.delay > 0 THEN 'delayed' ELSE 'queued' END, v_shape.lane, v_shape.queue, v_shape.name, i.input
      FROM unnest(v_ids, v_inputs, p_shape_of) AS i(id, input, shape) ${ofShape("v_shape")};
    GET DIAGNOSTICS v_added = ROW_COUNT;
    IF v_shape.delay > 0 THEN
      INSERT INTO ${schema}.count_delta (queue, lane, delayed) VALUES (v_shape.queue, v_shape.lane, v_added);
    ELSE
      INSERT INTO ${schema}.count_delta (queue, lane, queued) VALUES (v_shape.queue, v_shape.lane, v_added);
      INSERT INTO ${schema}.ready (id, rank, used, late, plain, lane, queue, name)
        SELECT i.id, -v_shape.priority, 0, false, true, v_shape.lane, v_shape.queue, v_shape.name FROM unnest(v_ids, p_shape_of) AS i(id, shape) ${ofShape("v_shape")};
    END IF;
  END LOOP;
  ids := array_to_string(v_ids, ',');
END $$;
`;
}

/** The inputs of this shape. */
export function ofShape(shape: string): string {
  return `WHERE (p_shape_of IS NULL OR i.shape = ${shape}.shape)`;
}

/** As a literal of SQL. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Takes the keys of new items; throws for those that asked to be refused; returns the items whose key another holds. */
function holdKeys(schema: string): string {
  return `
CREATE FUNCTION ${schema}.hold_keys(p_keys json, p_ids bigint[], p_skip integer[], p_now bigint) RETURNS integer[] LANGUAGE plpgsql AS $$
DECLARE
  v_existing integer[];
  v_vanished bigint;
  v_taken record;
BEGIN
  FOR v_try IN 1..20 LOOP
    -- Kept past the end of its job or flow, and past that time too (L17).
    DELETE FROM ${schema}.unique_key u WHERE u.key IN (
      SELECT e.key FROM ${schema}.unique_key e WHERE e.key IN (SELECT k.key FROM json_to_recordset(p_keys) AS k(key text))
      AND e.kept_until <= p_now ORDER BY e.key FOR UPDATE);
    INSERT INTO ${schema}.unique_key (key, job_id, flow_id, kept_ms)
      SELECT k.key, CASE WHEN k.flow THEN NULL ELSE p_ids[k.n] END, CASE WHEN k.flow THEN p_ids[k.n] END, k.kept
      FROM json_to_recordset(p_keys) AS k(item integer, n integer, key text, flow boolean, kept bigint)
      WHERE k.item <> ALL (p_skip) ORDER BY k.key, k.item ON CONFLICT (key) DO NOTHING;
    -- The holder is locked, so that it cannot free its key before this enqueue has told who holds it.
    PERFORM 1 FROM ${schema}.unique_key u WHERE u.key IN (SELECT k.key FROM json_to_recordset(p_keys) AS k(key text))
      ORDER BY u.key FOR KEY SHARE;
    SELECT count(*) FILTER (WHERE u.key IS NULL), coalesce(array_agg(k.item) FILTER (WHERE k.whole AND coalesce(u.flow_id, u.job_id) <> p_ids[k.n]), '{}')
      INTO v_vanished, v_existing
      FROM json_to_recordset(p_keys) AS k(item integer, n integer, key text, whole boolean)
      LEFT JOIN ${schema}.unique_key u ON u.key = k.key WHERE k.item <> ALL (p_skip);
    EXIT WHEN v_vanished = 0;
  END LOOP;
  IF v_vanished > 0 THEN
    RAISE EXCEPTION 'unique keys were freed and taken again 20 times' USING ERRCODE = 'serialization_failure';
  END IF;
  SELECT k.key, u.flow_id IS NOT NULL AS is_flow, coalesce(u.flow_id, u.job_id)::text AS holder INTO v_taken
    FROM json_to_recordset(p_keys) AS k(item integer, key text, clash text) JOIN ${schema}.unique_key u ON u.key = k.key
    WHERE k.clash = 'reject' AND k.item = ANY (v_existing) ORDER BY k.item LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '%', format(CASE WHEN v_taken.is_flow THEN ${literal(keyTaken("%1$s", "%2$s", true))} ELSE ${literal(keyTaken("%1$s", "%2$s", false))} END,
      v_taken.key, v_taken.holder) USING ERRCODE = '${uniqueKeyTakenState}', DETAIL = v_taken.holder;
  END IF;
  DELETE FROM ${schema}.unique_key u USING json_to_recordset(p_keys) AS k(item integer, n integer, key text, whole boolean)
    WHERE NOT k.whole AND k.item = ANY (v_existing) AND u.key = k.key AND u.job_id = p_ids[k.n];
  SELECT k.key, coalesce(u.flow_id, u.job_id) AS holder INTO v_taken
    FROM json_to_recordset(p_keys) AS k(item integer, n integer, key text, whole boolean)
    JOIN ${schema}.unique_key u ON u.key = k.key
    WHERE NOT k.whole AND k.item <> ALL (p_skip || v_existing) AND u.job_id IS DISTINCT FROM p_ids[k.n] LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'unique key "%" of a job in a flow is held by %: wait for its end or give the key to the flow',
      v_taken.key, v_taken.holder USING ERRCODE = '${uniqueKeyTakenState}', DETAIL = v_taken.holder::text;
  END IF;
  RETURN v_existing;
END $$;
`;
}
