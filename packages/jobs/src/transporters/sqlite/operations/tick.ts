import { limits } from "../../../core/limits.ts";
import type { Lane } from "../../../core/job.ts";
import type { Fired, FiredShard, Firing } from "../../schedules.ts";
import type { Session } from "../session.ts";
import { enqueue } from "./enqueue.ts";

const scheduleSql = "SELECT * FROM jobs_schedule WHERE name = ?";
/** Compare-and-set: what a manager computed from an older look is not done. */
const advanceSql =
  "UPDATE jobs_schedule SET next_due_at = ?, version = version + 1 WHERE name = ? AND version = ? AND paused = 0";
/** By the jobs, and not by a counter: one that was deleted while unfinished must not stop the clock for ever. */
const unfinishedSql = `SELECT count(*) AS runs FROM jobs_tick AS t JOIN jobs_job AS j ON j.id = t.job_id
  WHERE t.schedule = ? AND t.shard = ? AND t.outcome = 'fired' AND j.finished_at IS NULL`;
const cursorSql = "SELECT cursor FROM jobs_shard WHERE schedule = ? AND shard = ?";
const tickSql = `INSERT INTO jobs_tick (schedule, shard, due_at, fired_at, outcome, cursor_before, cursor_after)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?5 = 'fired' THEN NULL ELSE ?6 END) ON CONFLICT DO NOTHING`;
const tickJobSql = "UPDATE jobs_tick SET job_id = ? WHERE schedule = ? AND shard = ? AND due_at = ?";
const isRunSql = "UPDATE jobs_job SET is_run = 1 WHERE id = ?";
const pruneSql = `DELETE FROM jobs_tick WHERE schedule = ?1 AND shard = ?2 AND outcome <> 'fired' AND due_at <= (
  SELECT due_at FROM jobs_tick WHERE schedule = ?1 AND shard = ?2 ORDER BY due_at DESC LIMIT 1 OFFSET ${limits.ticksKept})`;

interface FiringRow {
  name: string;
  shards: number;
  runs_max: number;
  queue: string;
  lane: Lane;
  priority: number;
  timeout_ms: number;
}

/** Fires due schedules (L13). The tick's primary key is what keeps it single. */
export function fire(session: Session, firings: readonly Firing[]): Fired[] {
  return firings.map((firing) => {
    const { schedule, version, dueAt, missed, nextDueAt } = firing;
    if (session.run(advanceSql, nextDueAt ?? null, schedule, version) === 0) return { state: "moved" };
    const row = session.get<FiringRow>(scheduleSql, schedule);
    if (row === undefined) return { state: "moved" };
    const shards = allOf(row);
    for (const shard of shards) for (const due of missed) log(session, schedule, shard, due, "missed");
    return { state: "fired", shards: dueAt === undefined ? [] : fireShards(session, row, shards, dueAt) };
  });
}

export function fireNow(session: Session, schedule: string, shards?: readonly number[]): FiredShard[] | undefined {
  const row = session.get<FiringRow>(scheduleSql, schedule);
  if (row === undefined) return undefined;
  const asked = allOf(row).filter((shard) => shards === undefined || shards.includes(shard));
  return fireShards(session, row, asked, session.now);
}

function allOf({ shards }: FiringRow): number[] {
  return Array.from({ length: shards }, (_, shard) => shard);
}

function fireShards(session: Session, row: FiringRow, shards: readonly number[], dueAt: number): FiredShard[] {
  return shards.map((shard) => {
    const fired = fireShard(session, row, shard, dueAt);
    session.run(pruneSql, row.name, shard);
    return fired;
  });
}

function fireShard(session: Session, row: FiringRow, shard: number, dueAt: number): FiredShard {
  const { name, queue, lane, priority, timeout_ms: timeoutMs } = row;
  const { runs = 0 } = session.get<{ runs: number }>(unfinishedSql, name, shard) ?? {};
  const skipped = runs >= row.runs_max;
  if (!log(session, name, shard, dueAt, skipped ? "skipped" : "fired")) return { shard, state: "existing" };
  if (skipped) return { shard, state: "skipped" };
  const cursor = session.get<{ cursor: string | null }>(cursorSql, name, shard)?.cursor ?? null;
  const input = `{"shard":${shard},"shards":${row.shards},"due":${dueAt}${cursor === null ? "" : `,"cursor":${cursor}`}}`;
  const [added] = enqueue(session, [
    { job: { name, queue, lane, input, priority, attempts: 1, timeoutMs, delayMs: 0 } },
  ]);
  const jobId = added !== undefined && "ids" in added ? (added.ids[0] ?? "") : "";
  session.run(isRunSql, Number(jobId));
  session.run(tickJobSql, Number(jobId), name, shard, dueAt);
  return { shard, state: "started", jobId };
}

/** False when that tick is in the log already. */
function log(session: Session, schedule: string, shard: number, dueAt: number, outcome: string): boolean {
  const cursor = session.get<{ cursor: string | null }>(cursorSql, schedule, shard)?.cursor ?? null;
  return session.run(tickSql, schedule, shard, dueAt, session.now, outcome, cursor) === 1;
}
