import { uniqueKeyTakenState } from "./enqueue.ts";
import { directFunctions } from "./direct.ts";
import { functionSettings } from "./tables.ts";

/** Acts of people, one after the other: an earlier one of the same call may have changed what a later one meets. */
export function amendFunctions(schema: string): string {
  return (
    amend(schema) + amendOne(schema) + directFunctions(schema) + retry(schema) + waitAgain(schema) + reopen(schema)
  );
}

/**
 * With `p_descendants` all below a job too, in the order of ids: parents first. They are known before anything is locked, since a
 * flow's tree never changes.
 */
function amend(schema: string): string {
  return `
CREATE FUNCTION ${schema}.below(p_job bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
  RETURN ARRAY(WITH RECURSIVE below AS (
    SELECT j.id FROM ${schema}.stage s JOIN ${schema}.job j ON j.stage_id = s.id WHERE s.parent_id = p_job
    UNION ALL
    SELECT j.id FROM below b JOIN ${schema}.stage s ON s.parent_id = b.id JOIN ${schema}.job j ON j.stage_id = s.id
  ) SELECT id FROM below ORDER BY id);
END $$;

CREATE FUNCTION ${schema}.amend(p_ids bigint[], p_kind text, p_priority smallint, p_reason text, p_descendants boolean, p_offset_ms bigint,
  OUT results json, OUT below json, OUT queues text[]) LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint;
  v_state text;
  v_states text[] := '{}';
  v_below integer[] := '{}';
  v_changed integer;
  v_left bigint[] := '{}';
  v_all bigint[] := p_ids;
  r record;
  d record;
BEGIN
  queues := '{}';
  IF p_descendants THEN
    v_all := p_ids || ARRAY(SELECT unnest(${schema}.below(i)) FROM unnest(p_ids) AS i);
  END IF;
  PERFORM ${schema}.lock_flows(v_all);
  PERFORM 1 FROM ${schema}.job j WHERE j.id = ANY (v_all) ORDER BY j.id FOR NO KEY UPDATE;
  v_now := ${schema}.now_ms(p_offset_ms);
  FOR r IN SELECT i.id FROM unnest(p_ids) WITH ORDINALITY AS i(id, place) ORDER BY i.place LOOP
    SELECT a.state, queues || a.ready, v_left || a.line INTO v_state, queues, v_left
      FROM ${schema}.amend_one(r.id, p_kind, p_priority, p_reason, v_now) a;
    v_states := v_states || v_state;
    CONTINUE WHEN NOT p_descendants;
    v_changed := 0;
    FOR d IN SELECT b.id FROM unnest(${schema}.below(r.id)) AS b(id) LOOP
      SELECT a.state, queues || a.ready, v_left || a.line INTO v_state, queues, v_left
        FROM ${schema}.amend_one(d.id, p_kind, p_priority, p_reason, v_now) a;
      IF v_state IN ('applied', 'requested') THEN v_changed := v_changed + 1; END IF;
    END LOOP;
    v_below := v_below || v_changed;
  END LOOP;
  results := to_json(v_states);
  IF p_descendants THEN below := to_json(v_below); END IF;
  IF cardinality(v_left) > 0 THEN
    PERFORM ${schema}.unpark_keys(v_left);
    queues := queues || ARRAY(SELECT DISTINCT j.queue FROM ${schema}.job j WHERE j.id = ANY (v_left));
  END IF;
END $$;
`;
}

/** `line`: the job, when it stood in line and may have been the one that a free key was waiting for (L14). */
function amendOne(schema: string): string {
  return `
CREATE FUNCTION ${schema}.amend_one(p_id bigint, p_kind text, p_priority smallint, p_reason text, p_now bigint,
  OUT state text, OUT ready text[], OUT line bigint[]) LANGUAGE plpgsql AS $$
DECLARE
  v_job ${schema}.job;
BEGIN
  ready := '{}';
  line := '{}';
  state := 'applied';
  PERFORM ${schema}.full(ARRAY[p_id]);
  SELECT * INTO v_job FROM ${schema}.job j WHERE j.id = p_id;
  IF NOT FOUND THEN
    state := 'unknown';
  ELSIF p_kind = 'retry' THEN
    ready := ${schema}.retry_job(v_job, p_now);
    IF ready IS NULL THEN state := v_job.status; END IF;
  ELSIF p_kind IN ('direct', 'force-gate') THEN
    state := CASE p_kind WHEN 'direct' THEN ${schema}.direct_job(v_job, p_now) ELSE ${schema}.force_gate(v_job, p_reason, p_now) END;
    IF state IS NULL THEN ready := ARRAY[v_job.queue]; END IF;
    state := coalesce(v_job.status || ':' || state, 'applied');
  ELSIF v_job.finished_at IS NOT NULL THEN
    state := v_job.status;
  ELSIF p_kind = 'priority' THEN
    UPDATE ${schema}.job j SET base_priority = p_priority, priority = p_priority, version = j.version + 1 WHERE j.id = p_id;
  ELSIF p_kind = 'move' AND v_job.status = 'in_progress' THEN
    state := v_job.status;
  ELSIF p_kind = 'move' THEN
    -- The counters follow by the trigger on the row, the road by the call below.
    IF v_job.status = 'queued' AND v_job.limit_key IS NOT NULL THEN line := ARRAY[p_id]; END IF;
    UPDATE ${schema}.job j SET queue = p_reason, version = j.version + 1 WHERE j.id = p_id AND j.queue <> p_reason;
    IF v_job.status = 'queued' THEN ready := ARRAY[p_reason]; END IF;
  ELSIF p_kind = 'unhold' THEN
    UPDATE ${schema}.job j SET held_at = NULL, version = j.version + 1 WHERE j.id = p_id;
    IF v_job.status = 'queued' THEN ready := ARRAY[v_job.queue]; END IF;
  ELSIF p_kind = 'cancel' AND v_job.status = 'in_progress' THEN
    UPDATE ${schema}.job j SET cancel_requested = true, version = j.version + 1 WHERE j.id = p_id AND NOT j.cancel_requested;
    state := 'requested';
  ELSE
    IF v_job.status = 'queued' AND v_job.limit_key IS NOT NULL THEN line := ARRAY[p_id]; END IF;
    IF p_kind = 'hold' THEN
      UPDATE ${schema}.job j SET held_at = coalesce(j.held_at, p_now), directed = NULL, version = j.version + 1 WHERE j.id = p_id;
    ELSE
      ready := ${schema}.cancel_job(v_job, p_reason, p_now);
    END IF;
  END IF;
  PERFORM ${schema}.road(ARRAY[p_id]);
  ready := coalesce(ready, '{}');
END $$;

CREATE FUNCTION ${schema}.cancel_job(p_job ${schema}.job, p_reason text, p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.job j SET status = 'cancelled', failure = json_build_object('code', 'cancelled', 'message', p_reason)::text,
    subtree_ok = false, cause_job_id = j.id, finished_at = p_now, version = j.version + 1 WHERE j.id = p_job.id;
  DELETE FROM ${schema}.unique_key u WHERE u.key = p_job.unique_key AND u.job_id = p_job.id;
  DELETE FROM ${schema}.wake_mark m WHERE m.job_id = p_job.id;
  IF p_job.has_children THEN PERFORM ${schema}.shut_children(p_job.id, p_now); END IF;
  IF p_job.stage_id IS NULL THEN RETURN '{}'; END IF;
  RETURN ${schema}.move_gates(ARRAY[p_job.id], '{}', '{}', p_now);
END $$;
`;
}

/**
 * A retry by hand (L4, L10): a fresh budget and the base priority back. In a flow it undoes what the job's end did: to those
 * below it, to the siblings that fail-fast cancelled because of it, to the later stages, and so upward. Returns the queues made ready, null when it
 * is refused: not ended badly, or behind a gate that cannot open, where the job that shut it is the one to retry.
 */
function retry(schema: string): string {
  return `
CREATE FUNCTION ${schema}.retry_job(p_job ${schema}.job, p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  v_stage ${schema}.stage;
  v_again bigint[] := ARRAY[p_job.id];
  v_queues text[];
BEGIN
  IF p_job.status NOT IN ('failed', 'cancelled') THEN RETURN NULL; END IF;
  SELECT * INTO v_stage FROM ${schema}.stage s WHERE s.id = p_job.stage_id;
  IF v_stage.state = 'blocked' THEN RETURN NULL; END IF;
  IF p_job.unique_key IS NOT NULL THEN
    PERFORM ${schema}.hold_again(p_job.unique_key, p_job.id, NULL);
  END IF;
  IF v_stage.state IN ('open', 'failed') THEN
    v_again := v_again || ARRAY(SELECT j.id FROM ${schema}.job j
      WHERE j.stage_id = v_stage.id AND j.status || '' = 'cancelled' AND j.cause_job_id = p_job.id AND j.id <> p_job.id);
  END IF;
  WITH fresh AS (
    UPDATE ${schema}.job j SET status = CASE WHEN v_stage.state = 'waiting' THEN 'waiting' ELSE 'queued' END,
      priority = j.base_priority, attempts_used = 0, crashes = 0, errors = 0, cancel_requested = false, failure = NULL, subtree_ok = NULL,
      cause_job_id = NULL, claimed_by = NULL, finished_at = NULL, directed = NULL, ready_at = p_now,
      -- Who retries it by hand wants it run; those that come back with it stay held.
      held_at = CASE WHEN j.id <> p_job.id THEN j.held_at END, version = j.version + 1
    WHERE j.id = ANY (v_again) RETURNING j.queue, j.status
  )
  SELECT coalesce(array_agg(DISTINCT queue) FILTER (WHERE status = 'queued'), '{}') INTO v_queues FROM fresh;
  PERFORM ${schema}.road(v_again);
  DELETE FROM ${schema}.wake_mark m WHERE m.job_id = ANY (v_again);
  IF v_stage.id IS NOT NULL THEN
    PERFORM ${schema}.wait_again(ARRAY(SELECT s.id FROM ${schema}.stage s WHERE s.parent_id = ANY (v_again)));
    PERFORM ${schema}.reopen(v_stage.id, p_now);
  END IF;
  RETURN v_queues;
END $$;

CREATE FUNCTION ${schema}.hold_again(p_key text, p_job bigint, p_flow bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- Its own may be kept still: then it is held again without an end (L17).
  INSERT INTO ${schema}.unique_key AS u (key, job_id, flow_id) VALUES (p_key, p_job, p_flow)
    ON CONFLICT (key) DO UPDATE SET kept_until = NULL
    WHERE u.job_id IS NOT DISTINCT FROM p_job AND u.flow_id IS NOT DISTINCT FROM p_flow AND u.kept_until IS NOT NULL;
  IF NOT FOUND THEN
    RAISE EXCEPTION '% cannot be retried: its unique key "%" is held by a newer one; wait for that one''s end',
      CASE WHEN p_flow IS NULL THEN 'job ' || p_job ELSE 'flow ' || p_flow END, p_key USING ERRCODE = '${uniqueKeyTakenState}';
  END IF;
END $$;
`;
}

/** The other way round of `shut_under`, and of counting members' ends one by one. */
function waitAgain(schema: string): string {
  return `
CREATE FUNCTION ${schema}.wait_again(p_stages bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_stages bigint[];
BEGIN
  IF cardinality(p_stages) = 0 THEN RETURN; END IF;
  -- Downwards through jobs that others shut out; below one that was cancelled by itself all stays as it is.
  WITH RECURSIVE below AS (
    SELECT s.id FROM ${schema}.stage s WHERE s.id = ANY (p_stages) AND s.state = 'blocked'
    UNION ALL
    SELECT c.id FROM below b JOIN ${schema}.job j ON j.stage_id = b.id AND j.has_children AND j.cause_job_id <> j.id
    JOIN ${schema}.stage c ON c.parent_id = j.id AND c.state = 'blocked'
  )
  SELECT array_agg(id) INTO v_stages FROM below;
  UPDATE ${schema}.job j SET status = 'waiting', failure = NULL, cause_job_id = NULL, subtree_ok = NULL, finished_at = NULL,
    version = j.version + 1 WHERE j.stage_id = ANY (v_stages) AND j.cause_job_id <> j.id;
  UPDATE ${schema}.stage s SET state = 'waiting' WHERE s.id = ANY (v_stages);
  PERFORM ${schema}.count_again(v_stages);
END $$;

CREATE FUNCTION ${schema}.count_again(p_stages bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE ${schema}.stage s SET unfinished = c.unfinished, bad = c.bad, failed_job_id = c.first
  FROM (
    SELECT m.stage_id, count(*) FILTER (WHERE m.subtree_ok IS NULL AND d.id IS NULL) AS unfinished, count(*) FILTER (WHERE NOT m.subtree_ok) AS bad,
      (array_agg(m.cause_job_id ORDER BY k.finished_at, k.id) FILTER (WHERE NOT m.subtree_ok))[1] AS first
    FROM ${schema}.job m LEFT JOIN ${schema}.done d ON d.queue = m.queue AND d.lane = m.lane AND d.id = m.id
    LEFT JOIN ${schema}.job k ON k.id = m.cause_job_id WHERE m.stage_id = ANY (p_stages) GROUP BY m.stage_id
  ) c WHERE s.id = c.stage_id;
END $$;
`;
}

/**
 * `reopen` goes up from the retried job's stage until one that had not failed: one still open counts again, one that passed
 * all the same (all-settled) stays passed. An `onFailed` job that has not started waits again; of another a copy does, so that
 * what has been told already stays on record.
 */
function reopen(schema: string): string {
  return `
CREATE FUNCTION ${schema}.reopen(p_stage bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_stage ${schema}.stage;
BEGIN
  SELECT * INTO v_stage FROM ${schema}.stage s WHERE s.id = p_stage;
  LOOP
    PERFORM ${schema}.count_again(ARRAY[v_stage.id]);
    EXIT WHEN v_stage.state <> 'failed';
    UPDATE ${schema}.stage s SET state = 'open' WHERE s.id = v_stage.id;
    PERFORM ${schema}.wait_again(${schema}.stages_after(v_stage.flow_id, v_stage.parent_id, v_stage.position));
    IF v_stage.parent_id IS NULL THEN
      PERFORM ${schema}.reopen_flow(v_stage.flow_id, p_now);
      EXIT;
    END IF;
    UPDATE ${schema}.job j SET subtree_ok = NULL, cause_job_id = NULL WHERE j.id = v_stage.parent_id;
    SELECT s.* INTO v_stage FROM ${schema}.stage s JOIN ${schema}.job j ON j.stage_id = s.id WHERE j.id = v_stage.parent_id;
  END LOOP;
END $$;

CREATE FUNCTION ${schema}.reopen_flow(p_flow bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_flow ${schema}.flow;
  v_job ${schema}.job;
BEGIN
  SELECT * INTO v_flow FROM ${schema}.flow f WHERE f.id = p_flow;
  IF v_flow.unique_key IS NOT NULL THEN
    PERFORM ${schema}.hold_again(v_flow.unique_key, NULL, p_flow);
  END IF;
  UPDATE ${schema}.flow f SET status = 'running', failed_job_id = NULL, failure = NULL, finished_at = NULL WHERE f.id = p_flow;
  PERFORM 1 FROM ${schema}.job j WHERE j.id = v_flow.on_failed_job_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM ${schema}.full(ARRAY[v_flow.on_failed_job_id]);
  SELECT * INTO v_job FROM ${schema}.job j WHERE j.id = v_flow.on_failed_job_id;
  IF v_job.status IN ('queued', 'delayed') AND v_job.attempts_used = 0 THEN
    UPDATE ${schema}.job j SET status = 'waiting', version = j.version + 1 WHERE j.id = v_job.id;
  ELSIF v_job.status <> 'waiting' THEN
    INSERT INTO ${schema}.job (id, created_at, ready_at, flow_id, delay_ms, timeout_ms, base_priority, priority, attempts, status,
        lane, queue, name, wake_key, limit_key, input)
      VALUES (nextval('${schema}.id'), p_now, p_now, v_job.flow_id, v_job.delay_ms, v_job.timeout_ms, v_job.base_priority,
        v_job.base_priority, v_job.attempts, 'waiting', v_job.lane, v_job.queue, v_job.name, v_job.wake_key, v_job.limit_key, v_job.input)
      RETURNING id INTO v_job.id;
    INSERT INTO ${schema}.count_delta (queue, lane, waiting) VALUES (v_job.queue, v_job.lane, 1);
    UPDATE ${schema}.flow f SET on_failed_job_id = v_job.id WHERE f.id = p_flow;
  END IF;
END $$;
`;
}
