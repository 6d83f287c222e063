/**
 * Version 26. One plain job, ready at once: what nearly every enqueue is that comes alone. Arrays and shapes (`enqueue_plain`) cost the server more
 * than the rows do: 90 µs, of which this takes 55. Its place on the road is written first, and so the road is open for writing before the id is drawn
 * (`low-water.ts`). The rows are seen together, whatever their order. No plan of it has a choice that would need more settings.
 */
export function enqueueOneFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.enqueue_one(p_input text, p_name text, p_queue text, p_lane text, p_priority smallint, p_attempts smallint,
  p_timeout bigint, p_offset_ms bigint) RETURNS text LANGUAGE plpgsql SET lock_timeout = '10s' AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_id bigint;
BEGIN
  IF EXISTS (SELECT 1 FROM ${schema}.queue q WHERE q.depth_max IS NOT NULL) THEN
    PERFORM ${schema}.refuse_full(json_build_array(json_build_object('item', 0, 'queue', p_queue)), '{}');
  END IF;
  INSERT INTO ${schema}.ready (id, rank, used, late, plain, lane, queue, name)
    VALUES (nextval('${schema}.id'), -p_priority, 0, false, true, p_lane, p_queue, p_name) RETURNING id INTO v_id;
  INSERT INTO ${schema}.job (id, created_at, ready_at, delay_ms, timeout_ms, base_priority, priority, attempts, status, lane, queue, name, input)
    VALUES (v_id, v_now, v_now, 0, p_timeout, p_priority, p_priority, p_attempts, 'queued', p_lane, p_queue, p_name, p_input);
  INSERT INTO ${schema}.count_delta (queue, lane, queued) VALUES (p_queue, p_lane, 1);
  RETURN v_id::text;
END $$;
`;
}
