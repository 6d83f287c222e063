import { belongsOnRoad, intoReady } from "./roads.ts";

/**
 * Gates (L6). Whoever moves a gate holds its flow's row: in one flow one act follows the other, so that exactly one closes a
 * stage at READ COMMITTED, and siblings that settle at the same moment cannot wait for one another in a circle. Flows are
 * locked in the order of their ids, and before any job.
 */
export function gateFunctions(schema: string): string {
  return moveGates(schema) + openGates(schema) + shutGates(schema) + cancelUntried(schema) + endFlow(schema);
}

/**
 * `move_gates(ended, open, look, now)`: `ended` are jobs whose subtree has just ended (`subtree_ok` is written already), `open`
 * stages whose gate opens, `look` those whose last member was counted already. One job's end can close its stage, that the parent's
 * subtree, that the stage above, and so on up to the flow: a loop and not recursion, a round for each level, whatever the number of
 * jobs. Returns the queues in which jobs became ready.
 */
function moveGates(schema: string): string {
  return `
CREATE FUNCTION ${schema}.move_gates(p_ended bigint[], p_open bigint[], p_look bigint[], p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  v_ended bigint[] := p_ended;
  v_open bigint[] := p_open;
  v_look bigint[] := p_look;
  v_counted bigint[];
  v_soured bigint[];
  v_flows bigint[];
  v_queues text[] := '{}';
  r record;
BEGIN
  WHILE cardinality(v_ended) + cardinality(v_open) + cardinality(v_look) > 0 LOOP
    v_queues := v_queues || ${schema}.open_gates(v_open, p_now);
    WITH counted AS (
      UPDATE ${schema}.stage s SET unfinished = s.unfinished - g.n, bad = s.bad + g.bad, failed_job_id = coalesce(s.failed_job_id, g.first)
      FROM (
        SELECT j.stage_id, count(*) AS n, count(*) FILTER (WHERE NOT j.subtree_ok) AS bad,
          (array_agg(j.cause_job_id ORDER BY e.place) FILTER (WHERE NOT j.subtree_ok))[1] AS first
        FROM unnest(v_ended) WITH ORDINALITY AS e(id, place) JOIN ${schema}.job j ON j.id = e.id GROUP BY j.stage_id
      ) g WHERE s.id = g.stage_id RETURNING s.id, s.bad > 0 AND s.bad = g.bad AS soured
    )
    SELECT array_agg(id), array_agg(id) FILTER (WHERE soured) INTO v_counted, v_soured FROM counted;
    v_look := v_look || v_open || coalesce(v_counted, '{}');
    v_soured := v_open || coalesce(v_soured, '{}');
    SELECT p.ended, p.open, p.flows INTO v_ended, v_open, v_flows FROM ${schema}.pass_stages(v_look) p;
    IF cardinality(v_flows) > 0 THEN PERFORM ${schema}.end_well(v_flows, p_now); END IF;
    FOR r IN SELECT * FROM ${schema}.stage s WHERE s.id = ANY (v_look) AND s.state = 'open' AND s.bad > 0 AND s.policy <> 'all-settled' ORDER BY s.id LOOP
      IF r.policy = 'fail-fast' AND r.id = ANY (v_soured) THEN
        r.unfinished := r.unfinished - ${schema}.cancel_untried(r.id, r.failed_job_id, p_now);
      END IF;
      CONTINUE WHEN r.unfinished > 0;
      UPDATE ${schema}.stage s SET state = 'failed' WHERE s.id = r.id;
      PERFORM ${schema}.shut_later(r.id, p_now);
      IF r.parent_id IS NULL THEN
        v_queues := v_queues || ${schema}.end_badly(r.flow_id, r.failed_job_id, p_now);
      ELSE
        UPDATE ${schema}.job j SET subtree_ok = false, cause_job_id = r.failed_job_id WHERE j.id = r.parent_id;
        v_ended := v_ended || r.parent_id;
      END IF;
    END LOOP;
    v_look := '{}';
  END LOOP;
  RETURN v_queues;
END $$;

-- Of the stages in p_stages those that pass, all at once: what ends with them (jobs, whose row says so then, and flows), what opens.
CREATE FUNCTION ${schema}.pass_stages(p_stages bigint[], OUT ended bigint[], OUT open bigint[], OUT flows bigint[]) LANGUAGE plpgsql AS $$
BEGIN
  WITH passed AS (
    UPDATE ${schema}.stage s SET state = 'passed'
    WHERE s.id = ANY (p_stages) AND s.state = 'open' AND s.unfinished <= 0 AND (s.policy = 'all-settled' OR s.bad = 0)
    RETURNING s.flow_id, s.parent_id, s.position
  ), next AS MATERIALIZED (
    SELECT p.flow_id, p.parent_id, CASE
      WHEN p.parent_id IS NULL THEN (SELECT n.id FROM ${schema}.stage n WHERE n.flow_id = p.flow_id AND n.parent_id IS NULL AND n.position = p.position + 1)
      ELSE (SELECT n.id FROM ${schema}.stage n WHERE n.parent_id = p.parent_id AND n.position = p.position + 1) END AS id FROM passed p
  )
  SELECT coalesce(array_agg(n.parent_id) FILTER (WHERE n.id IS NULL AND n.parent_id IS NOT NULL), '{}'),
    coalesce(array_agg(n.id) FILTER (WHERE n.id IS NOT NULL), '{}'),
    coalesce(array_agg(n.flow_id) FILTER (WHERE n.id IS NULL AND n.parent_id IS NULL), '{}') INTO ended, open, flows FROM next n;
  IF cardinality(ended) > 0 THEN
    UPDATE ${schema}.job j SET subtree_ok = true, cause_job_id = NULL WHERE j.id = ANY (ended);
  END IF;
END $$;
`;
}

function openGates(schema: string): string {
  const woken = `j.wake_key IS NOT NULL AND EXISTS (SELECT 1 FROM ${schema}.wake_mark m WHERE m.job_id = j.id)`;
  const delay = `CASE WHEN j.delay_ms = 0 OR ${woken} THEN 0 ELSE j.delay_ms END`;
  return `
-- Delays count from here. A job that was woken behind its gate need not wait them out (L7).
CREATE FUNCTION ${schema}.open_gates(p_stages bigint[], p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  v_queues text[];
BEGIN
  IF cardinality(p_stages) = 0 THEN RETURN '{}'; END IF;
  UPDATE ${schema}.stage s SET state = 'open' WHERE s.id = ANY (p_stages);
  WITH opened AS (
    UPDATE ${schema}.job j SET status = CASE WHEN ${delay} > 0 THEN 'delayed' ELSE 'queued' END, ready_at = p_now + ${delay}
    WHERE j.stage_id = ANY (p_stages) AND j.status = 'waiting' RETURNING j.*
  ), added AS (
    ${intoReady(schema, "opened j", { absent: true })}
  )
  SELECT array_agg(DISTINCT queue) INTO v_queues FROM opened WHERE status = 'queued';
  RETURN coalesce(v_queues, '{}');
END $$;
`;
}

/** What can never start any more ends here, with the job that is the reason (L6): nothing waits for ever. */
function shutGates(schema: string): string {
  return `
CREATE FUNCTION ${schema}.shut_under(p_stages bigint[], p_cause bigint, p_failure json, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  WITH RECURSIVE below AS (
    SELECT s.id FROM ${schema}.stage s WHERE s.id = ANY (p_stages)
    UNION ALL
    SELECT c.id FROM below b JOIN ${schema}.job j ON j.stage_id = b.id AND j.has_children JOIN ${schema}.stage c ON c.parent_id = j.id
  ), shut AS (
    UPDATE ${schema}.stage s SET state = 'blocked' FROM below b WHERE s.id = b.id AND s.state = 'waiting'
  ), ended AS (
    UPDATE ${schema}.job j SET status = 'failed', failure = p_failure::text, cause_job_id = p_cause, subtree_ok = false,
      finished_at = p_now, version = j.version + 1
    FROM below b WHERE j.stage_id = b.id AND j.status = 'waiting' RETURNING j.id, j.unique_key, j.wake_key
  ), freed AS (
    DELETE FROM ${schema}.unique_key u USING ended e WHERE u.key = e.unique_key AND u.job_id = e.id
  )
  DELETE FROM ${schema}.wake_mark m USING ended e WHERE e.wake_key IS NOT NULL AND m.job_id = e.id;
END $$;

CREATE FUNCTION ${schema}.shut_children(p_job bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM ${schema}.shut_under(ARRAY(SELECT s.id FROM ${schema}.stage s WHERE s.parent_id = p_job), p_job,
    json_build_object('code', 'parent_failed', 'message', format('parent job %s did not end processed: retry it to run this one', p_job),
      'details', json_build_object('jobId', p_job::text)), p_now);
END $$;

CREATE FUNCTION ${schema}.shut_later(p_stage bigint, p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_stage ${schema}.stage;
  v_later bigint[];
BEGIN
  SELECT * INTO v_stage FROM ${schema}.stage s WHERE s.id = p_stage;
  v_later := ${schema}.stages_after(v_stage.flow_id, v_stage.parent_id, v_stage.position);
  IF cardinality(v_later) = 0 THEN RETURN; END IF;
  PERFORM ${schema}.shut_under(v_later, v_stage.failed_job_id, json_build_object('code', 'stage_failed', 'message',
    format('job %s failed in stage %s before this one: retry it to run this one', v_stage.failed_job_id, v_stage.position),
    'details', json_build_object('jobId', v_stage.failed_job_id::text)), p_now);
END $$;

CREATE FUNCTION ${schema}.stages_after(p_flow_id bigint, p_parent_id bigint, p_position integer) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
  IF p_parent_id IS NULL THEN
    RETURN ARRAY(SELECT s.id FROM ${schema}.stage s WHERE s.flow_id = p_flow_id AND s.parent_id IS NULL AND s.position > p_position);
  END IF;
  RETURN ARRAY(SELECT s.id FROM ${schema}.stage s WHERE s.parent_id = p_parent_id AND s.position > p_position);
END $$;
`;
}

/** The first failure of a fail-fast stage cancels the siblings that are not running and were never tried (L6). */
function cancelUntried(schema: string): string {
  return `
-- A sibling that another holds at this moment is being claimed, and finishes as running ones do: waiting for it could be
-- waiting in a circle.
CREATE FUNCTION ${schema}.cancel_untried(p_stage bigint, p_cause bigint, p_now bigint) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_ended integer;
  v_parents bigint[];
  v_untried bigint[];
  v_taken_off bigint[];
  v_failure text := json_build_object('code', 'cancelled', 'message', format('job %s failed first in a fail-fast stage', p_cause),
    'details', json_build_object('jobId', p_cause::text))::text;
BEGIN
  v_untried := ARRAY(SELECT j.id FROM ${schema}.job j WHERE j.stage_id = p_stage AND j.status IN ('queued', 'delayed') AND j.attempts_used = 0
    ORDER BY j.id FOR NO KEY UPDATE SKIP LOCKED);
  WITH off AS (
    DELETE FROM ${schema}.ready a WHERE a.ctid = ANY (ARRAY(
      SELECT r.ctid FROM unnest(v_untried) AS u(id) JOIN ${schema}.job j ON j.id = u.id
      JOIN ${schema}.ready r ON r.queue = j.queue AND r.lane = j.lane AND r.rank = -j.priority AND r.used = j.attempts_used AND r.id = j.id
      FOR UPDATE OF r SKIP LOCKED)) RETURNING a.id
  ) SELECT coalesce(array_agg(off.id), '{}') INTO v_taken_off FROM off;
  WITH ended AS (
    UPDATE ${schema}.job j SET status = 'cancelled', failure = v_failure, cause_job_id = p_cause, subtree_ok = false,
      finished_at = p_now, version = j.version + 1
    FROM unnest(v_untried) AS u(id) WHERE j.id = u.id AND (j.id = ANY (v_taken_off) OR NOT (${belongsOnRoad("j")})) RETURNING j.id, j.has_children, j.unique_key, j.wake_key
  ), freed AS (
    DELETE FROM ${schema}.unique_key u USING ended e WHERE u.key = e.unique_key AND u.job_id = e.id
  ), forgotten AS (
    DELETE FROM ${schema}.wake_mark m USING ended e WHERE e.wake_key IS NOT NULL AND m.job_id = e.id
  )
  SELECT count(*), coalesce(array_agg(id) FILTER (WHERE has_children), '{}') INTO v_ended, v_parents FROM ended;
  UPDATE ${schema}.stage s SET unfinished = s.unfinished - v_ended, bad = s.bad + v_ended WHERE s.id = p_stage;
  PERFORM ${schema}.shut_children(p.id, p_now) FROM unnest(v_parents) AS p(id);
  RETURN v_ended;
END $$;
`;
}

/** A flow's end: its key is freed (L17), its `onFailed` job becomes ready in the same act, or is removed (L6). */
function endFlow(schema: string): string {
  return `
CREATE FUNCTION ${schema}.end_well(p_flows bigint[], p_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_keys text[];
  v_unneeded bigint[];
BEGIN
  SELECT array_agg(f.unique_key) FILTER (WHERE f.unique_key IS NOT NULL), array_agg(f.on_failed_job_id) FILTER (WHERE f.on_failed_job_id IS NOT NULL)
    INTO v_keys, v_unneeded FROM ${schema}.flow f WHERE f.id = ANY (p_flows);
  UPDATE ${schema}.flow f SET status = 'processed', finished_at = p_now, on_failed_job_id = NULL WHERE f.id = ANY (p_flows);
  IF v_keys IS NOT NULL THEN
    DELETE FROM ${schema}.unique_key u WHERE u.key = ANY (v_keys) AND u.flow_id = ANY (p_flows);
  END IF;
  IF v_unneeded IS NOT NULL THEN
    DELETE FROM ${schema}.job j WHERE j.id = ANY (v_unneeded) AND j.status = 'waiting';
    DELETE FROM ${schema}.wake_mark m WHERE m.job_id = ANY (v_unneeded);
  END IF;
END $$;

CREATE FUNCTION ${schema}.end_badly(p_flow bigint, p_cause bigint, p_now bigint) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
  v_flow ${schema}.flow;
  v_cause record;
  v_queues text[];
BEGIN
  SELECT * INTO v_flow FROM ${schema}.flow f WHERE f.id = p_flow;
  DELETE FROM ${schema}.unique_key u WHERE u.key = v_flow.unique_key AND u.flow_id = p_flow;
  SELECT j.status, j.failure INTO v_cause FROM ${schema}.job j WHERE j.id = p_cause;
  UPDATE ${schema}.flow f SET status = CASE v_cause.status WHEN 'cancelled' THEN 'cancelled' ELSE 'failed' END,
    failed_job_id = p_cause, failure = v_cause.failure, finished_at = p_now WHERE f.id = p_flow;
  WITH opened AS (
    UPDATE ${schema}.job j SET status = CASE WHEN j.delay_ms > 0 THEN 'delayed' ELSE 'queued' END, ready_at = p_now + j.delay_ms
    WHERE j.id = v_flow.on_failed_job_id AND j.status = 'waiting' RETURNING j.*
  ), added AS (
    ${intoReady(schema, "opened j")}
  )
  SELECT array_agg(queue) INTO v_queues FROM opened WHERE status = 'queued';
  RETURN coalesce(v_queues, '{}');
END $$;
`;
}
