import { limits } from "../../../core/limits.ts";
import { functionSettings } from "./tables.ts";

/**
 * Schedules and the leader's seat (L13). A firing locks its schedule first, so that of several managers one after the
 * other decides; the tick's primary key keeps it single even if they were of two minds about the due time.
 */
export function scheduleFunctions(schema: string): string {
  return define(schema) + fire(schema) + fireShard(schema) + runEnds(schema) + campaign(schema);
}

function define(schema: string): string {
  return `
CREATE FUNCTION ${schema}.define_schedules(p_schedules json, p_wanted_ms bigint, p_offset_ms bigint) RETURNS void
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_wanted bigint := ${schema}.now_ms(p_offset_ms) + p_wanted_ms;
BEGIN
  INSERT INTO ${schema}.schedule AS s (name, timing, shards, runs_max, missed, queue, lane, priority, timeout_ms, next_due_at, wanted_until)
    SELECT d.name, d.timing, d.shards, d."runsMax", d.missed, d.queue, d.lane, d.priority, d."timeoutMs", d."nextDueAt", v_wanted
    FROM json_to_recordset(p_schedules) AS d(name text, timing text, shards integer, "runsMax" integer, missed text, queue text,
      lane text, priority smallint, "timeoutMs" bigint, "nextDueAt" bigint)
    ORDER BY d.name
    ON CONFLICT (name) DO UPDATE SET timing = excluded.timing, shards = excluded.shards, runs_max = excluded.runs_max,
      missed = excluded.missed, queue = excluded.queue, lane = excluded.lane, priority = excluded.priority,
      timeout_ms = excluded.timeout_ms, version = s.version + 1, wanted_until = greatest(s.wanted_until, excluded.wanted_until),
      next_due_at = CASE WHEN s.timing = excluded.timing THEN s.next_due_at ELSE excluded.next_due_at END;
  INSERT INTO ${schema}.shard (schedule, shard)
    SELECT d.name, g.shard FROM json_to_recordset(p_schedules) AS d(name text, shards integer), generate_series(0, d.shards - 1) AS g(shard)
    ORDER BY d.name, g.shard ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION ${schema}.want_schedules(p_names text[], p_wanted_ms bigint, p_offset_ms bigint) RETURNS void
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_wanted bigint := ${schema}.now_ms(p_offset_ms) + p_wanted_ms;
BEGIN
  PERFORM 1 FROM ${schema}.schedule s WHERE s.name = ANY (p_names) ORDER BY s.name FOR NO KEY UPDATE;
  UPDATE ${schema}.schedule s SET wanted_until = v_wanted WHERE s.name = ANY (p_names) AND s.wanted_until < v_wanted;
END $$;

CREATE FUNCTION ${schema}.due_schedules(p_limit integer, p_offset_ms bigint, OUT at bigint, OUT due json, OUT next_due_at bigint)
LANGUAGE plpgsql STABLE ${functionSettings} AS $$
BEGIN
  at := ${schema}.now_ms(p_offset_ms);
  SELECT json_agg(json_build_object('name', d.name, 'timing', d.timing, 'missed', d.missed, 'dueAt', d.next_due_at, 'version', d.version)
      ORDER BY d.next_due_at) INTO due
    FROM (SELECT s.* FROM ${schema}.schedule s WHERE NOT s.paused AND s.next_due_at <= at AND s.wanted_until > at
      ORDER BY s.next_due_at LIMIT p_limit) d;
  SELECT s.next_due_at INTO next_due_at FROM ${schema}.schedule s
    WHERE NOT s.paused AND s.next_due_at > at AND s.wanted_until > at ORDER BY s.next_due_at LIMIT 1;
END $$;

CREATE FUNCTION ${schema}.change_schedule(p_name text, p_kind text, p_next bigint, p_offset_ms bigint) RETURNS boolean
LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  IF p_kind = 'pause' THEN
    UPDATE ${schema}.schedule s SET paused = true, version = s.version + 1 WHERE s.name = p_name;
  ELSIF p_kind = 'resume' THEN
    UPDATE ${schema}.schedule s SET paused = false, version = s.version + 1,
      next_due_at = CASE WHEN s.paused THEN p_next ELSE s.next_due_at END WHERE s.name = p_name;
  ELSE
    PERFORM 1 FROM ${schema}.schedule s WHERE s.name = p_name FOR UPDATE;
    DELETE FROM ${schema}.tick t WHERE t.schedule = p_name;
    DELETE FROM ${schema}.shard h WHERE h.schedule = p_name;
    DELETE FROM ${schema}.schedule s WHERE s.name = p_name;
  END IF;
  RETURN FOUND;
END $$;
`;
}

/** Compare-and-set by version: what a manager computed from an older look is not done, and answered null. */
function fire(schema: string): string {
  return `
CREATE FUNCTION ${schema}.fire(p_firings json, p_offset_ms bigint, OUT results json, OUT queues text[])
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_schedule ${schema}.schedule;
  v_fired json[] := '{}';
  v_answers json[];
  r record;
BEGIN
  queues := '{}';
  -- In one order, so that two managers that fire the same wait for one another and never in a circle.
  PERFORM 1 FROM ${schema}.schedule s WHERE s.name IN (SELECT f.schedule FROM json_to_recordset(p_firings) AS f(schedule text))
    ORDER BY s.name FOR NO KEY UPDATE;
  FOR r IN SELECT f.* FROM ROWS FROM (json_to_recordset(p_firings)
      AS (schedule text, version integer, "dueAt" bigint, missed bigint[], "nextDueAt" bigint)) WITH ORDINALITY AS f ORDER BY ordinality LOOP
    UPDATE ${schema}.schedule s SET next_due_at = r."nextDueAt", version = s.version + 1
      WHERE s.name = r.schedule AND s.version = r.version AND NOT s.paused RETURNING * INTO v_schedule;
    IF NOT FOUND THEN
      v_fired := v_fired || 'null'::json;
      CONTINUE;
    END IF;
    v_answers := '{}';
    FOR v_shard IN 0 .. v_schedule.shards - 1 LOOP
      INSERT INTO ${schema}.tick (schedule, shard, due_at, fired_at, outcome, cursor_before, cursor_after)
        SELECT r.schedule, v_shard, m.due, ${schema}.now_ms(p_offset_ms), 'missed', h.cursor, h.cursor
        FROM unnest(r.missed) AS m(due) JOIN ${schema}.shard h ON h.schedule = r.schedule AND h.shard = v_shard
        ON CONFLICT DO NOTHING;
      IF r."dueAt" IS NOT NULL THEN
        v_answers := v_answers || ${schema}.fire_shard(v_schedule, v_shard, r."dueAt", p_offset_ms);
      END IF;
    END LOOP;
    IF r."dueAt" IS NOT NULL THEN queues := queues || v_schedule.queue; END IF;
    v_fired := v_fired || to_json(v_answers);
  END LOOP;
  results := to_json(v_fired);
END $$;

CREATE FUNCTION ${schema}.fire_now(p_schedule text, p_shards integer[], p_offset_ms bigint, OUT results json, OUT queues text[])
LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_schedule ${schema}.schedule;
  v_answers json[] := '{}';
  v_due bigint;
BEGIN
  SELECT * INTO v_schedule FROM ${schema}.schedule s WHERE s.name = p_schedule FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  v_due := ${schema}.now_ms(p_offset_ms);
  FOR v_shard IN 0 .. v_schedule.shards - 1 LOOP
    IF p_shards IS NULL OR v_shard = ANY (p_shards) THEN
      v_answers := v_answers || ${schema}.fire_shard(v_schedule, v_shard, v_due, p_offset_ms);
    END IF;
  END LOOP;
  results := to_json(v_answers);
  queues := ARRAY[v_schedule.queue];
END $$;
`;
}

/**
 * Unfinished runs are counted by their jobs, and not by a counter: one that was deleted must not stop the clock for ever. The
 * cursor is read after that, in a statement of its own: a run that ended in between has left it there.
 */
function fireShard(schema: string): string {
  return `
CREATE FUNCTION ${schema}.fire_shard(p_schedule ${schema}.schedule, p_shard integer, p_due bigint, p_offset_ms bigint) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
  v_skipped boolean;
  v_cursor text;
  v_job bigint;
BEGIN
  SELECT count(*) >= p_schedule.runs_max INTO v_skipped FROM ${schema}.tick t JOIN ${schema}.job j ON j.id = t.job_id
    WHERE t.schedule = p_schedule.name AND t.shard = p_shard AND t.outcome = 'fired' AND j.finished_at IS NULL;
  SELECT h.cursor INTO v_cursor FROM ${schema}.shard h WHERE h.schedule = p_schedule.name AND h.shard = p_shard;
  INSERT INTO ${schema}.tick (schedule, shard, due_at, fired_at, outcome, cursor_before, cursor_after)
    VALUES (p_schedule.name, p_shard, p_due, ${schema}.now_ms(p_offset_ms), CASE WHEN v_skipped THEN 'skipped' ELSE 'fired' END,
      v_cursor, CASE WHEN v_skipped THEN v_cursor END)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN json_build_object('shard', p_shard, 'state', 'existing'); END IF;
  DELETE FROM ${schema}.tick t WHERE t.schedule = p_schedule.name AND t.shard = p_shard AND t.outcome || '' <> 'fired' AND t.due_at <= (
    SELECT o.due_at FROM ${schema}.tick o WHERE o.schedule = p_schedule.name AND o.shard = p_shard
    ORDER BY o.due_at DESC LIMIT 1 OFFSET ${limits.ticksKept});
  IF v_skipped THEN RETURN json_build_object('shard', p_shard, 'state', 'skipped'); END IF;
  SELECT e.ids[1]::bigint INTO v_job FROM ${schema}.enqueue(1, json_build_array(json_build_object('item', 0, 'n', 1,
      'delay', 0, 'timeout', p_schedule.timeout_ms, 'priority', p_schedule.priority, 'attempts', 1, 'waits', false, 'run', true,
      'lane', p_schedule.lane, 'queue', p_schedule.queue, 'name', p_schedule.name,
      'input', '{"shard":' || p_shard || ',"shards":' || p_schedule.shards || ',"due":' || p_due
        || coalesce(',"cursor":' || v_cursor, '') || '}')), NULL, NULL, NULL, NULL, p_offset_ms) e;
  UPDATE ${schema}.tick t SET job_id = v_job WHERE t.schedule = p_schedule.name AND t.shard = p_shard AND t.due_at = p_due;
  RETURN json_build_object('shard', p_shard, 'state', 'started', 'jobId', v_job::text);
END $$;
`;
}

/**
 * A job ends in many ways (settlement, rescue, cancel), and each must move the log and the cursor in the same act: a trigger
 * sees them all, and a retry by hand too. Its condition is a comparison of columns for jobs that are no runs. Of two runs
 * of a shard that end out of order the later fired one's cursor stays: job ids ascend, clocks may not.
 */
function runEnds(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${schema}.run_moved() RETURNS trigger LANGUAGE plpgsql ${functionSettings} AS $$
BEGIN
  IF NEW.finished_at IS NULL THEN
    UPDATE ${schema}.tick t SET outcome = 'fired', started_at = NULL, finished_at = NULL, cursor_after = NULL WHERE t.job_id = NEW.id;
    RETURN NULL;
  END IF;
  UPDATE ${schema}.tick t SET outcome = NEW.status, started_at = NEW.started_at, finished_at = NEW.finished_at,
    cursor_after = CASE WHEN NEW.status = 'processed' THEN coalesce(NEW.result, t.cursor_before) ELSE t.cursor_before END
    WHERE t.job_id = NEW.id;
  UPDATE ${schema}.shard h SET cursor = NEW.result, cursor_job_id = NEW.id FROM ${schema}.tick t
    WHERE t.job_id = NEW.id AND NEW.status = 'processed' AND NEW.result IS NOT NULL
      AND h.schedule = t.schedule AND h.shard = t.shard AND h.cursor_job_id <= NEW.id;
  RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER run_moved AFTER UPDATE OF finished_at ON ${schema}.job FOR EACH ROW
  WHEN (NEW.is_run AND (NEW.finished_at IS NULL) <> (OLD.finished_at IS NULL)) EXECUTE FUNCTION ${schema}.run_moved();
`;
}

/** A campaign that cannot win writes nothing. The row stays, so that fences go on. */
function campaign(schema: string): string {
  return `
CREATE FUNCTION ${schema}.campaign(p_seat text, p_manager text, p_lease_ms bigint, p_offset_ms bigint,
  OUT leads boolean, OUT fence bigint, OUT retry_in_ms bigint) LANGUAGE plpgsql ${functionSettings} AS $$
DECLARE
  v_now bigint := ${schema}.now_ms(p_offset_ms);
  v_seat ${schema}.leader;
BEGIN
  SELECT * INTO v_seat FROM ${schema}.leader l WHERE l.seat = p_seat;
  IF NOT FOUND OR v_seat.manager = p_manager OR v_seat.held_until <= v_now THEN
    INSERT INTO ${schema}.leader AS l (seat, held_until, fence, manager) VALUES (p_seat, v_now + p_lease_ms, 1, p_manager)
      ON CONFLICT (seat) DO UPDATE SET held_until = excluded.held_until, manager = p_manager,
        fence = CASE WHEN l.manager = p_manager THEN l.fence ELSE l.fence + 1 END
      WHERE l.manager = p_manager OR l.held_until <= v_now;
    SELECT * INTO v_seat FROM ${schema}.leader l WHERE l.seat = p_seat;
  END IF;
  leads := v_seat.manager = p_manager;
  fence := v_seat.fence;
  retry_in_ms := greatest(1, v_seat.held_until - v_now);
END $$;

CREATE FUNCTION ${schema}.resign(p_seat text, p_manager text, p_offset_ms bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE ${schema}.leader l SET held_until = 0 WHERE l.seat = p_seat AND l.manager = p_manager
$$;
`;
}
