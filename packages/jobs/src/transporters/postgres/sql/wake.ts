import { limits } from "../../../core/limits.ts";
import { intoReady } from "./roads.ts";
import { functionSettings } from "./tables.ts";

/**
 * Wakes (L7). A wake and a release that names its key exclude one another until the first of them has committed: the wake
 * takes the key's stripe shared, so that wakes never wait for wakes, the release exclusive. Without it a release could commit
 * between a wake's look and its commit, and sleep through it.
 *
 * Stripes and not keys, because a transaction's advisory locks live in shared memory: a batch of 1,000 keys would take
 * a seventh of the 6,400 places of a default server; of 512 stripes no more than 512 are ever held exclusively.
 *
 * Running, queued and gated jobs are marked apart from their rows (`wake_mark`), so that an open transaction with a wake in
 * it does not hold up their renewal or claim.
 */
export function wakeFunctions(schema: string): string {
  return `
CREATE FUNCTION ${schema}.stripe(p_key text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT hashtext(p_key) & 511 $$;

CREATE FUNCTION ${schema}.wake(p_keys text[], p_offset_ms bigint, OUT met integer, OUT queues text[])
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint;
  v_woken bigint[];
  v_marked bigint[];
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtext('${schema}'), s.stripe)
    FROM (SELECT DISTINCT ${schema}.stripe(k) AS stripe FROM unnest(p_keys) AS k ORDER BY 1) AS s;
  v_now := ${schema}.now_ms(p_offset_ms);
  WITH due AS MATERIALIZED (
    SELECT j.id FROM ${schema}.job j WHERE j.wake_key = ANY (p_keys) AND j.finished_at IS NULL AND j.status || '' = 'delayed'
    ORDER BY j.id FOR NO KEY UPDATE
  ), woken AS (
    UPDATE ${schema}.job j SET status = 'queued', ready_at = v_now FROM due WHERE j.id = due.id RETURNING j.*
  ), added AS (
    ${intoReady(schema, "woken j")}
  )
  SELECT coalesce(array_agg(id), '{}'), coalesce(array_agg(DISTINCT queue), '{}') INTO v_woken, queues FROM woken;
  WITH marked AS (
    INSERT INTO ${schema}.wake_mark (job_id, marked_at)
    SELECT j.id, v_now FROM ${schema}.job j WHERE j.wake_key = ANY (p_keys) AND j.finished_at IS NULL AND j.id NOT IN (SELECT unnest(v_woken))
    ORDER BY j.id ON CONFLICT (job_id) DO UPDATE SET marked_at = excluded.marked_at RETURNING job_id
  )
  SELECT coalesce(array_agg(job_id), '{}') INTO v_marked FROM marked;
  met := cardinality(v_woken) + cardinality(v_marked);
  INSERT INTO ${schema}.wake_kept (key, kept_until)
    SELECT DISTINCT k, v_now + ${limits.wakeKeptMs} FROM unnest(p_keys) AS k
    WHERE NOT EXISTS (SELECT 1 FROM ${schema}.job j WHERE j.wake_key = k AND j.id = ANY (v_woken || v_marked)) ORDER BY 1
    ON CONFLICT (key) DO UPDATE SET kept_until = excluded.kept_until;
END $$;

-- Waits for one stripe at a time while holding none, so that a transaction that wakes keys in any order of its own cannot be
-- caught in a circle with a batch of releases. SQLSTATE PV002 never leaves this function: it gives back what was taken.
CREATE FUNCTION ${schema}.lock_releases(p_stripes integer[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_class integer := hashtext('${schema}');
  v_stripe integer;
  v_busy integer;
BEGIN
  IF cardinality(p_stripes) = 1 THEN
    PERFORM pg_advisory_xact_lock(v_class, p_stripes[1]);
    RETURN;
  END IF;
  FOR v_try IN 1..100 LOOP
    v_busy := NULL;
    BEGIN
      FOREACH v_stripe IN ARRAY p_stripes LOOP
        v_busy := v_stripe;
        IF NOT pg_try_advisory_xact_lock(v_class, v_stripe) THEN RAISE EXCEPTION USING ERRCODE = 'PV002'; END IF;
      END LOOP;
      RETURN;
    EXCEPTION WHEN SQLSTATE 'PV002' THEN NULL;
    END;
    BEGIN
      PERFORM pg_advisory_xact_lock(v_class, v_busy);
      RAISE EXCEPTION USING ERRCODE = 'PV002';
    EXCEPTION WHEN SQLSTATE 'PV002' THEN NULL;
    END;
  END LOOP;
  RAISE EXCEPTION 'wake keys stayed busy' USING ERRCODE = 'lock_not_available';
END $$;
`;
}
