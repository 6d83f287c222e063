import { inputSeparator, ofShape, shapes } from "./enqueue.ts";
import { functionSettings } from "./tables.ts";

const isOpen = "p_positions[i.stage] = 0 AND p_parents[i.stage] IS NULL";

/** Line by line; with their inputs only where those are asked for. */
function jobs(withInputs = false): string {
  return `unnest(p_jobs, p_stage_of, p_shape_of, p_children${withInputs ? ", v_inputs" : ""}) AS i(n, stage, shape, children${withInputs ? ", input" : ""})`;
}

/**
 * Flows of plain jobs, with no key and no `onFailed` job: shapes, and columns of numbers instead of JSON for each row, 23 → 13 µs a job. `p_flows`,
 * `p_stages`, `p_jobs` and, of stages below a job, `p_parents` are places in the array of new ids, from 1; `p_stage_of` is a job's place among
 * the stages. The first stage at the top is open.
 */
export function enqueueFlowFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.enqueue_flows(p_total integer, p_flows integer[], p_stages integer[], p_stage_flows integer[], p_parents integer[],
  p_positions integer[], p_sizes integer[], p_policies text[], p_jobs integer[], p_stage_of integer[], p_children boolean[], p_inputs text,
  p_shape_of smallint[], p_shapes json, p_offset_ms bigint, OUT ids text)
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_inputs text[] := string_to_array(p_inputs, chr(${inputSeparator.charCodeAt(0)}));
  v_ids bigint[];
  v_all integer;
  v_open integer;
  v_shape record;
BEGIN
  -- Before ids are drawn (\`low-water.ts\`).
  LOCK TABLE ${schema}.ready IN ROW EXCLUSIVE MODE;
  IF EXISTS (SELECT 1 FROM ${schema}.queue q WHERE q.depth_max IS NOT NULL) THEN
    PERFORM ${schema}.refuse_full((SELECT json_agg(json_build_object('item', 0, 'queue', s.queue))
      FROM ${jobs()} CROSS JOIN ${shapes} ${ofShape("s")}), '{}');
  END IF;
  v_ids := ARRAY(SELECT nextval('${schema}.id') FROM generate_series(1, p_total));
  INSERT INTO ${schema}.flow (id, created_at, status) SELECT v_ids[f.n], v_now, 'running' FROM unnest(p_flows) AS f(n);
  INSERT INTO ${schema}.stage (id, flow_id, parent_id, position, unfinished, policy, state)
    SELECT v_ids[i.n], v_ids[i.flow], v_ids[i.parent], i.position, i.size, i.policy,
      CASE WHEN i.position = 0 AND i.parent IS NULL THEN 'open' ELSE 'waiting' END
    FROM unnest(p_stages, p_stage_flows, p_parents, p_positions, p_sizes, p_policies) AS i(n, flow, parent, position, size, policy);
  FOR v_shape IN SELECT * FROM ${shapes} LOOP
    INSERT INTO ${schema}.job (id, created_at, ready_at, flow_id, parent_id, stage_id, delay_ms, timeout_ms, stage, base_priority, priority,
      attempts, has_children, status, lane, queue, name, input)
      SELECT v_ids[i.n], v_now, CASE WHEN ${isOpen} THEN v_now + v_shape.delay ELSE v_now END, v_ids[p_stage_flows[i.stage]],
        v_ids[p_parents[i.stage]], v_ids[p_stages[i.stage]], v_shape.delay, v_shape.timeout, p_positions[i.stage], v_shape.priority,
        v_shape.priority, v_shape.attempts, coalesce(i.children, false),
        CASE WHEN NOT (${isOpen}) THEN 'waiting' WHEN v_shape.delay > 0 THEN 'delayed' ELSE 'queued' END,
        v_shape.lane, v_shape.queue, v_shape.name, i.input
      FROM ${jobs(true)} ${ofShape("v_shape")};
    GET DIAGNOSTICS v_all = ROW_COUNT;
    SELECT count(*) INTO v_open FROM ${jobs()} ${ofShape("v_shape")} AND ${isOpen};
    INSERT INTO ${schema}.count_delta (queue, lane, waiting, delayed, queued) VALUES (v_shape.queue, v_shape.lane, v_all - v_open,
      CASE WHEN v_shape.delay > 0 THEN v_open ELSE 0 END, CASE WHEN v_shape.delay > 0 THEN 0 ELSE v_open END);
    CONTINUE WHEN v_shape.delay > 0;
    INSERT INTO ${schema}.ready (id, rank, used, late, plain, stage_id, lane, queue, name)
      SELECT v_ids[i.n], -v_shape.priority, 0, false, false, CASE WHEN i.children IS NOT TRUE THEN v_ids[p_stages[i.stage]] END,
        v_shape.lane, v_shape.queue, v_shape.name
      FROM ${jobs()} ${ofShape("v_shape")} AND ${isOpen};
  END LOOP;
  ids := array_to_string(v_ids, ',');
END $$;
`;
}
