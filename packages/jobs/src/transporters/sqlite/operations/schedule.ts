import type { MissedPolicy } from "../../../core/tick-plan.ts";
import type { Lane } from "../../../core/job.ts";
import type { DueSchedules, Schedule, ScheduleChange, ScheduleSetting, Tick, TickQuery } from "../../schedules.ts";
import type { Session } from "../session.ts";

const defineSql = `INSERT INTO jobs_schedule AS s
    (name, timing, shards, runs_max, missed, queue, lane, priority, timeout_ms, next_due_at, wanted_until)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
  ON CONFLICT (name) DO UPDATE SET timing = ?2, shards = ?3, runs_max = ?4, missed = ?5, queue = ?6, lane = ?7, priority = ?8,
    timeout_ms = ?9, next_due_at = CASE WHEN s.timing = ?2 THEN s.next_due_at ELSE ?10 END,
    wanted_until = max(s.wanted_until, ?11), version = s.version + 1`;
const shardSql = "INSERT INTO jobs_shard (schedule, shard) VALUES (?, ?) ON CONFLICT DO NOTHING";
const wantSql = "UPDATE jobs_schedule SET wanted_until = max(wanted_until, ?) WHERE name = ?";
const dueSql = `SELECT name, timing, missed, next_due_at, version FROM jobs_schedule INDEXED BY jobs_schedule_due
  WHERE paused = 0 AND next_due_at <= ?1 AND wanted_until > ?1 ORDER BY next_due_at LIMIT ?2 + 0`;
const nextSql = `SELECT next_due_at FROM jobs_schedule INDEXED BY jobs_schedule_due
  WHERE paused = 0 AND next_due_at > ?1 AND wanted_until > ?1 ORDER BY next_due_at LIMIT 1`;
const pauseSql = "UPDATE jobs_schedule SET paused = 1, version = version + 1 WHERE name = ?";
const resumeSql =
  "UPDATE jobs_schedule SET paused = 0, next_due_at = CASE WHEN paused = 1 THEN ?2 ELSE next_due_at END, version = version + 1 WHERE name = ?1";
const removeSql = [
  "DELETE FROM jobs_tick WHERE schedule = ?",
  "DELETE FROM jobs_shard WHERE schedule = ?",
  "DELETE FROM jobs_schedule WHERE name = ?",
] as const;
const listSql = "SELECT * FROM jobs_schedule WHERE (?1 IS NULL OR name = ?1) AND name > ?2 ORDER BY name LIMIT ?3";
const cursorsSql = "SELECT shard, cursor FROM jobs_shard WHERE schedule = ? AND shard < ? ORDER BY shard";
const ticksSql = `SELECT t.*, coalesce(t.started_at, CASE WHEN t.outcome = 'fired' THEN coalesce(r.started_at, j.started_at) END) AS started
  FROM jobs_tick AS t LEFT JOIN jobs_job AS j ON j.id = t.job_id LEFT JOIN jobs_running AS r ON r.id = t.job_id
  WHERE t.schedule = ?1 AND (?2 IS NULL OR t.shard = ?2) AND (?3 IS NULL OR t.due_at < ?3) ORDER BY t.due_at DESC, t.shard LIMIT ?4`;

interface ScheduleRow {
  name: string;
  timing: string;
  shards: number;
  runs_max: number;
  missed: MissedPolicy;
  queue: string;
  lane: Lane;
  priority: number;
  timeout_ms: number;
  next_due_at: number | null;
  wanted_until: number;
  paused: number;
  version: number;
}

interface TickRow {
  schedule: string;
  shard: number;
  due_at: number;
  fired_at: number;
  outcome: Tick["outcome"];
  job_id: number | null;
  started: number | null;
  finished_at: number | null;
  cursor_before: string | null;
  cursor_after: string | null;
}

export function defineSchedules(session: Session, schedules: readonly ScheduleSetting[], wantedMs: number): void {
  for (const setting of schedules) {
    const { name, timing, shards, runsMax, missed, queue, lane, priority, timeoutMs, nextDueAt } = setting;
    const rules = [timing, shards, runsMax, missed, queue, lane, priority, timeoutMs, nextDueAt ?? null] as const;
    session.run(defineSql, name, ...rules, session.now + wantedMs);
    for (let shard = 0; shard < shards; shard += 1) session.run(shardSql, name, shard);
  }
}

export function wantSchedules(session: Session, names: readonly string[], wantedMs: number): void {
  for (const name of names) session.run(wantSql, session.now + wantedMs, name);
}

export function dueSchedules(session: Session, limit: number): DueSchedules {
  const { now } = session;
  const rows = session.all<ScheduleRow & { next_due_at: number }>(dueSql, now, limit);
  const next = session.get<{ next_due_at: number }>(nextSql, now);
  return {
    now,
    schedules: rows.map(({ name, timing, missed, next_due_at: dueAt, version }) => ({
      name,
      timing,
      missed,
      dueAt,
      version,
    })),
    ...(next === undefined ? {} : { nextInMs: next.next_due_at - now }),
  };
}

export function changeSchedule(session: Session, name: string, change: ScheduleChange): boolean {
  if (change.kind === "pause") return session.run(pauseSql, name) === 1;
  if (change.kind === "resume") return session.run(resumeSql, name, change.nextDueAt ?? null) === 1;
  return removeSql.map((sql) => session.run(sql, name)).at(-1) === 1;
}

export function listSchedules(
  session: Session,
  { name, after, limit }: { name?: string; after?: string; limit: number },
): Schedule[] {
  return session.all<ScheduleRow>(listSql, name ?? null, after ?? "", limit).map((row) => {
    const cursors: (string | undefined)[] = Array.from({ length: row.shards }, () => undefined);
    for (const { shard, cursor } of session.all<{ shard: number; cursor: string | null }>(
      cursorsSql,
      row.name,
      row.shards,
    )) {
      cursors[shard] = cursor ?? undefined;
    }
    const { timing, shards, runs_max: runsMax, missed, queue, lane, priority, timeout_ms: timeoutMs } = row;
    return {
      name: row.name,
      timing,
      shards,
      runsMax,
      missed,
      queue,
      lane,
      priority,
      timeoutMs,
      cursors,
      state: row.paused === 1 ? "paused" : row.wanted_until > session.now ? "active" : "unwanted",
      ...(row.next_due_at === null ? {} : { nextDueAt: row.next_due_at }),
    };
  });
}

export function ticks(session: Session, { schedule, shard, before, limit }: TickQuery): Tick[] {
  return session.all<TickRow>(ticksSql, schedule, shard ?? null, before ?? null, limit).map(toTick);
}

function toTick(row: TickRow): Tick {
  return {
    schedule: row.schedule,
    shard: row.shard,
    dueAt: row.due_at,
    firedAt: row.fired_at,
    outcome: row.outcome,
    ...(row.job_id === null ? {} : { jobId: String(row.job_id) }),
    ...(row.started === null ? {} : { startedAt: row.started, lagMs: row.started - row.due_at }),
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at }),
    ...(row.cursor_before === null ? {} : { cursorBefore: row.cursor_before }),
    ...(row.cursor_after === null ? {} : { cursorAfter: row.cursor_after }),
  };
}
