import { limits } from "../../../core/limits.ts";
import { permitsShownMax } from "../../permits.ts";
import { functionSettings } from "./tables.ts";

/** The SQLSTATE of an increment that cannot be. */
export const notANumberState = "PV012";

/**
 * Tables of L12. A ticket is a row: a waiter while it has no fence, a holder when it has one. `lease_until` stands in no index, so
 * that a renewal stays a heap-only update. A semaphore that nobody holds or waits for has no rows: places and fences come from one
 * sequence of the store, which never goes back.
 */
export function permitTables(schema: string): string {
  return `
CREATE SEQUENCE ${schema}.permit_order AS bigint;
CREATE TABLE ${schema}.permit (
  ticket text PRIMARY KEY,
  name text NOT NULL,
  place bigint NOT NULL,
  fence bigint,
  lease_until bigint NOT NULL,
  permits integer NOT NULL,
  host text NOT NULL,
  process text NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
CREATE INDEX permit_line ON ${schema}.permit (name, place);

CREATE TABLE ${schema}.memory (key text PRIMARY KEY, value text NOT NULL) WITH (fillfactor = 50);
`;
}

export function permitFunctions(schema: string): string {
  return acquire(schema) + keep(schema) + memory(schema);
}

/**
 * A semaphore's line changes under an advisory lock of its name, not of a row: a row that every grant rewrites would be a
 * heap of dead versions, and an idle semaphore has no row at all. It is held for one short act and never waited for with
 * another in hand but in the order of names. A waiter that only looks writes nothing.
 *
 * A grant is on disk before it is told: two would hold one permit if a crash of the server could take it back. A place in the line is not worth
 * the wait, in which nobody else could come at the semaphore.
 */
function acquire(schema: string): string {
  return `
CREATE FUNCTION ${schema}.lock_semaphore(p_name text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('${schema} semaphore ' || p_name, 0))
$$;

CREATE FUNCTION ${schema}.acquire(p_requests json, p_offset_ms bigint)
RETURNS TABLE (spot integer, state text, fence bigint, ahead integer, before json)
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  r record;
  v_own ${schema}.permit;
  v_now bigint;
  v_held integer;
  v_permits integer;
  v_granted boolean := false;
BEGIN
  FOR r IN SELECT * FROM json_to_recordset(p_requests) AS q(spot integer, name text, permits integer, ticket text,
      "leaseMs" bigint, wait boolean, host text, process text) ORDER BY q.name, q.spot LOOP
    PERFORM ${schema}.lock_semaphore(r.name);
    v_now := ${schema}.now_ms(p_offset_ms);
    spot := r.spot; fence := NULL; before := NULL;
    -- Before the own row is read: a waiter that came too late has lost its place.
    DELETE FROM ${schema}.permit p WHERE p.name = r.name AND p.lease_until <= v_now;
    SELECT * INTO v_own FROM ${schema}.permit p WHERE p.ticket = r.ticket;
    SELECT count(p.fence), count(*) FILTER (WHERE p.fence IS NULL AND (v_own.place IS NULL OR p.place < v_own.place)), max(p.permits)
      INTO v_held, ahead, v_permits FROM ${schema}.permit p WHERE p.name = r.name AND p.ticket <> r.ticket;
    IF v_own.fence IS NOT NULL THEN
      UPDATE ${schema}.permit p SET lease_until = v_now + r."leaseMs" WHERE p.ticket = r.ticket;
      state := 'held'; fence := v_own.fence;
    ELSIF v_permits <> r.permits THEN
      state := 'permits'; ahead := v_permits;
    ELSIF v_held + ahead < r.permits THEN
      state := 'held'; fence := nextval('${schema}.permit_order');
      INSERT INTO ${schema}.permit AS p (ticket, name, place, fence, lease_until, permits, host, process)
        VALUES (r.ticket, r.name, fence, fence, v_now + r."leaseMs", r.permits, r.host, r.process)
        ON CONFLICT (ticket) DO UPDATE SET fence = excluded.fence, lease_until = excluded.lease_until;
    ELSIF r.wait AND v_own.place IS NULL AND ahead >= ${limits.permitWaitersMax} THEN
      state := 'waiters';
    ELSE
      state := CASE WHEN r.wait THEN 'waiting' ELSE 'taken' END;
      IF NOT r.wait THEN
        -- Nothing is left in the line.
      ELSIF v_own.place IS NULL THEN
        INSERT INTO ${schema}.permit (ticket, name, place, lease_until, permits, host, process)
          VALUES (r.ticket, r.name, nextval('${schema}.permit_order'), v_now + r."leaseMs", r.permits, r.host, r.process);
      ELSIF v_own.lease_until - v_now < r."leaseMs" / 2 THEN
        UPDATE ${schema}.permit p SET lease_until = v_now + r."leaseMs" WHERE p.ticket = r.ticket;
      END IF;
      SELECT coalesce(json_agg(json_build_object('ticket', b.ticket, 'host', b.host, 'process', b.process)), '[]') INTO before FROM (
        SELECT p.ticket, p.host, p.process FROM ${schema}.permit p
        WHERE p.name = r.name AND p.ticket <> r.ticket AND (p.fence IS NOT NULL OR v_own.place IS NULL OR p.place < v_own.place)
        ORDER BY p.fence IS NULL, p.place LIMIT ${permitsShownMax}) AS b;
    END IF;
    v_granted := v_granted OR state = 'held';
    RETURN NEXT;
  END LOOP;
  IF NOT v_granted THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
END $$;
`;
}

/**
 * A renewal does not need the semaphore's lock: what it meets half-way, it meets at the row. Giving back does, so that who steps into the
 * line at the same time either is there to be told or finds the permit free.
 *
 * Nothing is waited for to be on disk when a permit goes back: lost with a crash of the server, it comes free with its lease.
 */
function keep(schema: string): string {
  return `
CREATE FUNCTION ${schema}.renew_permits(p_leases json, p_offset_ms bigint) RETURNS SETOF text
LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  RETURN QUERY
    WITH held AS MATERIALIZED (
      SELECT p.ticket, l."leaseMs" AS lease FROM json_to_recordset(p_leases) AS l(ticket text, "leaseMs" bigint)
      JOIN ${schema}.permit p ON p.ticket = l.ticket WHERE p.fence IS NOT NULL ORDER BY p.ticket FOR NO KEY UPDATE OF p
    )
    UPDATE ${schema}.permit p SET lease_until = ${schema}.now_ms(p_offset_ms) + h.lease FROM held h WHERE p.ticket = h.ticket
    RETURNING p.ticket;
END $$;

CREATE FUNCTION ${schema}.release_permits(p_tickets text[], p_offset_ms bigint, OUT released text[], OUT next json)
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  r record;
  v_gone text[];
  v_free bigint;
  v_next json[] := '{}';
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  released := '{}';
  FOR r IN SELECT DISTINCT p.name, p.permits FROM ${schema}.permit p WHERE p.ticket = ANY (p_tickets) ORDER BY p.name LOOP
    PERFORM ${schema}.lock_semaphore(r.name);
    WITH gone AS (DELETE FROM ${schema}.permit p WHERE p.name = r.name AND p.ticket = ANY (p_tickets) RETURNING p.ticket)
      SELECT array_agg(g.ticket) INTO v_gone FROM gone g;
    released := released || v_gone;
    SELECT r.permits - count(p.fence) INTO v_free FROM ${schema}.permit p
      WHERE p.name = r.name AND p.lease_until > ${schema}.now_ms(p_offset_ms);
    v_next := v_next || ARRAY(SELECT json_build_object('ticket', p.ticket, 'host', p.host, 'process', p.process)
      FROM ${schema}.permit p WHERE p.name = r.name AND p.fence IS NULL AND p.lease_until > ${schema}.now_ms(p_offset_ms)
      ORDER BY p.place LIMIT greatest(v_free, 0));
  END LOOP;
  next := array_to_json(v_next);
END $$;
`;
}

/**
 * A permit that guards the act is locked against being given to another until the act is committed. A lease that has run out and that
 * nobody has taken since is still its holder's: nobody was in the section meanwhile.
 */
function memory(schema: string): string {
  return `
CREATE FUNCTION ${schema}.number_plus(p_key text, p_value text, p_by double precision) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF json_typeof(p_value::json) <> 'number' THEN
    RAISE EXCEPTION 'key "%" holds no number: remove it first, or increment another key', p_key USING ERRCODE = '${notANumberState}';
  END IF;
  RETURN (p_value::double precision + p_by)::text;
EXCEPTION WHEN numeric_value_out_of_range THEN
  RAISE EXCEPTION 'key "%": the sum is past the range of numbers: add less', p_key USING ERRCODE = '${notANumberState}';
END $$;

CREATE FUNCTION ${schema}.apply_memory(p_operations json, p_held text[], p_free text, p_offset_ms bigint, OUT why text, OUT results json)
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  o record;
  v_count integer;
  v_found boolean;
  v_value text;
  v_results json[] := '{}';
BEGIN
  IF cardinality(p_held) > 0 THEN
    PERFORM 1 FROM ${schema}.permit p WHERE p.ticket = ANY (p_held) AND p.fence IS NOT NULL ORDER BY p.ticket FOR KEY SHARE;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    IF v_count < cardinality(p_held) THEN why := 'lost'; RETURN; END IF;
  END IF;
  IF p_free IS NOT NULL THEN
    PERFORM ${schema}.lock_semaphore(p_free);
    IF EXISTS (SELECT 1 FROM ${schema}.permit p WHERE p.name = p_free AND p.lease_until > ${schema}.now_ms(p_offset_ms)) THEN
      why := 'busy'; RETURN;
    END IF;
  END IF;
  FOR o IN SELECT * FROM json_to_recordset(p_operations) AS q(kind text, key text, value text, "by" double precision) LOOP
    v_found := false; v_value := NULL;
    IF o.kind IN ('get', 'has') THEN
      SELECT true, CASE WHEN o.kind = 'get' THEN m.value END INTO v_found, v_value FROM ${schema}.memory m WHERE m.key = o.key;
    ELSIF o.kind = 'remove' THEN
      DELETE FROM ${schema}.memory m WHERE m.key = o.key RETURNING true INTO v_found;
    ELSIF o.kind = 'add' THEN
      INSERT INTO ${schema}.memory AS m (key, value) VALUES (o.key, o.value)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value RETURNING m.xmax <> 0 INTO v_found;
    ELSE
      INSERT INTO ${schema}.memory AS m (key, value) VALUES (o.key, ${schema}.number_plus(o.key, '0', o."by"))
        ON CONFLICT (key) DO UPDATE SET value = ${schema}.number_plus(m.key, m.value, o."by") RETURNING m.xmax <> 0, m.value INTO v_found, v_value;
    END IF;
    v_results := v_results || json_build_object('found', coalesce(v_found, false), 'value', v_value);
  END LOOP;
  results := array_to_json(v_results);
END $$;
`;
}
