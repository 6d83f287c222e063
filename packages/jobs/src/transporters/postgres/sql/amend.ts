import { uniqueKeyTakenState } from "./enqueue.ts";
import { directFunctions } from "./direct.ts";
import { functionSettings } from "./tables.ts";

/** Acts of people, one after the other: an earlier one of the same call may have changed what a later one meets. */
export function amendFunctions(schema: string): string {
  return amend(schema) + directFunctions(schema) + retry(schema) + waitAgain(schema) + reopen(schema);
}

function amend(schema: string): string {
  return `
CREATE FUNCTION ${schema}.amend(p_ids bigint[], p_kind text, p_priority smallint, p_reason text, p_offset_ms bigint,
  OUT results json, OUT queues text[]) LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint;
  v_job ${schema}.job;
  v_states text[] := '{}';
  v_retried text[];
  v_refusal text;
  r record;
BEGIN
  queues := '{}';
  PERFORM ${schema}.lock_flows(p_ids);
  PERFORM 1 FROM ${schema}.job j WHERE j.id = ANY (p_ids) ORDER BY j.id FOR NO KEY UPDATE;
  v_now := ${schema}.now_ms(p_offset_ms);
  FOR r IN SELECT i.id FROM unnest(p_ids) WITH ORDINALITY AS i(id, place) ORDER BY i.place LOOP
    SELECT * INTO v_job FROM ${schema}.job j WHERE j.id = r.id;
    IF NOT FOUND THEN
      v_states := v_states || 'unknown'::text;
    ELSIF p_kind = 'retry' THEN
      v_retried := ${schema}.retry_job(v_job, v_now);
      queues := queues || v_retried;
      v_states := v_states || CASE WHEN v_retried IS NULL THEN v_job.status ELSE 'applied' END;
    ELSIF p_kind IN ('direct', 'force-gate') THEN
      v_refusal := CASE p_kind WHEN 'direct' THEN ${schema}.direct_job(v_job, v_now) ELSE ${schema}.force_gate(v_job, p_reason, v_now) END;
      IF v_refusal IS NULL THEN queues := queues || v_job.queue; END IF;
      v_states := v_states || CASE WHEN v_refusal IS NULL THEN 'applied' ELSE v_job.status || ':' || v_refusal END;
    ELSIF v_job.finished_at IS NOT NULL THEN
      v_states := v_states || v_job.status;
    ELSIF p_kind = 'priority' THEN
      UPDATE ${schema}.job j SET base_priority = p_priority, priority = p_priority, version = j.version + 1 WHERE j.id = r.id;
      v_states := v_states || 'applied'::text;
    ELSIF v_job.status = 'in_progress' THEN
      UPDATE ${schema}.job j SET cancel_requested = true, version = j.version + 1 WHERE j.id = r.id AND NOT j.cancel_requested;
      v_states := v_states || 'requested'::text;
    ELSE
      UPDATE ${schema}.job j SET status = 'cancelled', failure = json_build_object('code', 'cancelled', 'message', p_reason)::text,
        subtree_ok = false, cause_job_id = j.id, finished_at = v_now, version = j.version + 1 WHERE j.id = r.id;
      DELETE FROM ${schema}.unique_key u WHERE u.key = v_job.unique_key AND u.job_id = r.id;
      DELETE FROM ${schema}.wake_mark m WHERE m.job_id = r.id;
      IF v_job.has_children THEN PERFORM ${schema}.shut_children(r.id, v_now); END IF;
      IF v_job.stage_id IS NOT NULL THEN queues := queues || ${schema}.move_gates(ARRAY[r.id], '{}', v_now); END IF;
      v_states := v_states || 'applied'::text;
    END IF;
  END LOOP;
  results := to_json(v_states);
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
      priority = j.base_priority, attempts_used = 0, crashes = 0, cancel_requested = false, failure = NULL, subtree_ok = NULL,
      cause_job_id = NULL, claimed_by = NULL, finished_at = NULL, directed = NULL, ready_at = p_now, version = j.version + 1
    WHERE j.id = ANY (v_again) RETURNING j.queue, j.status
  )
  SELECT coalesce(array_agg(DISTINCT queue) FILTER (WHERE status = 'queued'), '{}') INTO v_queues FROM fresh;
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
    SELECT m.stage_id, count(*) FILTER (WHERE m.subtree_ok IS NULL) AS unfinished, count(*) FILTER (WHERE NOT m.subtree_ok) AS bad,
      (array_agg(m.cause_job_id ORDER BY k.finished_at, k.id) FILTER (WHERE NOT m.subtree_ok))[1] AS first
    FROM ${schema}.job m LEFT JOIN ${schema}.job k ON k.id = m.cause_job_id WHERE m.stage_id = ANY (p_stages) GROUP BY m.stage_id
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
  SELECT * INTO v_job FROM ${schema}.job j WHERE j.id = v_flow.on_failed_job_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF v_job.status IN ('queued', 'delayed') AND v_job.attempts_used = 0 THEN
    UPDATE ${schema}.job j SET status = 'waiting', version = j.version + 1 WHERE j.id = v_job.id;
  ELSIF v_job.status <> 'waiting' THEN
    INSERT INTO ${schema}.job (id, created_at, ready_at, flow_id, delay_ms, timeout_ms, base_priority, priority, attempts, status,
        lane, queue, name, wake_key, limit_key, input)
      VALUES (nextval('${schema}.id'), p_now, p_now, v_job.flow_id, v_job.delay_ms, v_job.timeout_ms, v_job.base_priority,
        v_job.base_priority, v_job.attempts, 'waiting', v_job.lane, v_job.queue, v_job.name, v_job.wake_key, v_job.limit_key, v_job.input)
      RETURNING id INTO v_job.id;
    UPDATE ${schema}.flow f SET on_failed_job_id = v_job.id WHERE f.id = p_flow;
  END IF;
END $$;
`;
}
