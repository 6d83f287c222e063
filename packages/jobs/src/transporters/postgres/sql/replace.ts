/**
 * A unique key that is held (L17): what a new item with that key does besides being told of the holder.
 *
 * `replace`: the holder becomes the new job, under its id, if it has never been started and is in no flow; a hold by hand stays. The holders are
 * locked before the keys, as a settlement takes them, which ends a job and then frees its key. Of several items of one call
 * with one key the last one counts.
 */
export function replaceFunctions(schema: string): string {
  return lockHolders(schema) + replaceHolders(schema);
}

function lockHolders(schema: string): string {
  return `
CREATE FUNCTION ${schema}.lock_holders(p_keys json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM ${schema}.job j WHERE j.id IN (
    SELECT u.job_id FROM json_to_recordset(p_keys) AS k(key text, clash text) JOIN ${schema}.unique_key u ON u.key = k.key
    WHERE k.clash = 'replace') ORDER BY j.id FOR NO KEY UPDATE;
END $$;
`;
}

function replaceHolders(schema: string): string {
  return `
CREATE FUNCTION ${schema}.replace_holders(p_jobs json, p_keys json, p_existing integer[], p_now bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  v_holders bigint[];
  v_ids bigint[];
  v_items integer[];
BEGIN
  v_holders := ARRAY(SELECT j.id FROM json_to_recordset(p_keys) AS k(item integer, key text, clash text)
    JOIN ${schema}.unique_key u ON u.key = k.key JOIN ${schema}.job j ON j.id = u.job_id
    WHERE k.clash = 'replace' AND k.item = ANY (p_existing) ORDER BY j.id FOR NO KEY UPDATE OF j);
  IF cardinality(v_holders) = 0 THEN RETURN '{}'; END IF;
  PERFORM ${schema}.full(v_holders);
  WITH asked AS MATERIALIZED (
    SELECT DISTINCT ON (u.job_id) u.job_id, k.item FROM json_to_recordset(p_keys) AS k(item integer, key text, clash text)
    JOIN ${schema}.unique_key u ON u.key = k.key
    WHERE k.clash = 'replace' AND k.item = ANY (p_existing) AND u.job_id IS NOT NULL ORDER BY u.job_id, k.item DESC
  ), unstarted AS MATERIALIZED (
    SELECT j.id, a.item FROM asked a JOIN ${schema}.job j ON j.id = a.job_id
    WHERE j.status || '' IN ('queued', 'delayed') AND j.attempts_used = 0 AND j.flow_id IS NULL ORDER BY j.id
  )
  SELECT coalesce(array_agg(u.id), '{}'), coalesce(array_agg(u.item), '{}') INTO v_ids, v_items FROM unstarted u;
  -- Any of them may be the one that a free key was waiting for (L14).
  PERFORM ${schema}.unpark_keys(ARRAY(SELECT j.id FROM ${schema}.job j WHERE j.id = ANY (v_ids) AND j.limit_key IS NOT NULL));
  UPDATE ${schema}.job j SET name = n.name, queue = n.queue, lane = n.lane, input = n.input, base_priority = n.priority,
    priority = n.priority, attempts = n.attempts, timeout_ms = n.timeout, delay_ms = n.delay, wake_key = n.wake, limit_key = n."limitKey",
    status = CASE WHEN n.delay > 0 THEN 'delayed' ELSE 'queued' END, ready_at = p_now + n.delay, directed = NULL, version = j.version + 1
  FROM unnest(v_ids, v_items) AS h(id, item) JOIN json_to_recordset(p_jobs) AS n(item integer, delay bigint, timeout bigint,
    priority smallint, attempts smallint, lane text, queue text, name text, wake text, "limitKey" text, input text) ON n.item = h.item
  WHERE j.id = h.id;
  UPDATE ${schema}.unique_key u SET kept_ms = k.kept
    FROM unnest(v_items) AS h(item) JOIN json_to_recordset(p_keys) AS k(item integer, key text, kept bigint) ON k.item = h.item
    WHERE u.key = k.key;
  DELETE FROM ${schema}.wake_mark m WHERE m.job_id = ANY (v_ids);
  PERFORM ${schema}.road(v_holders);
  RETURN v_ids;
END $$;
`;
}
