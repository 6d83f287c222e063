/** L5. Each returns null, or the reason for which it is refused. */
export function directFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.direct_job(p_job ${schema}.job, p_now bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_queue ${schema}.queue;
BEGIN
  IF p_job.finished_at IS NOT NULL THEN RETURN 'final'; END IF;
  IF p_job.status = 'in_progress' THEN RETURN 'running'; END IF;
  IF p_job.status = 'waiting' THEN RETURN 'gate'; END IF;
  IF p_job.attempts_used >= p_job.attempts THEN RETURN 'budget'; END IF;
  IF p_job.held_at IS NOT NULL THEN RETURN 'held'; END IF;
  SELECT * INTO v_queue FROM ${schema}.queue q WHERE q.queue = p_job.queue;
  IF v_queue.concurrency <= (SELECT count(*) FROM ${schema}.job j WHERE j.limited AND j.status = 'in_progress' AND j.queue = p_job.queue) THEN
    RETURN 'concurrency';
  END IF;
  IF p_job.limit_key IS NOT NULL AND v_queue.key_concurrency <= ${schema}.key_running(p_job.queue, p_job.limit_key) THEN
    RETURN 'key-concurrency';
  END IF;
  UPDATE ${schema}.job j SET status = 'queued', ready_at = p_now, directed = p_now, version = j.version + 1 WHERE j.id = p_job.id;
  RETURN NULL;
END $$;

-- The job's own gate counts as opened; what stands beside it waits on. An \`onFailed\` job waits for its flow's end, not at a gate.
CREATE FUNCTION ${schema}.force_gate(p_job ${schema}.job, p_by text, p_now bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_delay bigint := p_job.delay_ms;
BEGIN
  IF p_job.finished_at IS NOT NULL THEN RETURN 'final'; END IF;
  IF p_job.status <> 'waiting' OR p_job.stage_id IS NULL THEN RETURN 'no-gate'; END IF;
  IF EXISTS (SELECT 1 FROM ${schema}.wake_mark m WHERE m.job_id = p_job.id) THEN v_delay := 0; END IF;
  UPDATE ${schema}.job j SET status = CASE WHEN v_delay > 0 THEN 'delayed' ELSE 'queued' END, ready_at = p_now + v_delay,
    gate_forced_by = p_by, version = j.version + 1 WHERE j.id = p_job.id;
  RETURN NULL;
END $$;
`;
}
