import type { JobId, JobStatus, Lane, StagePolicy } from "../../../core/job.ts";
import type {
  FlowStage,
  ManagerBeat,
  ManagerSeen,
  Progress,
  ProgressReport,
  QueueCounts,
  StageState,
} from "../../sight.ts";
import { idNumber } from "../rows.ts";
import type { Session } from "../session.ts";

export type CountRow = { queue: string; lane: Lane } & Record<JobStatus, number>;

const countsSql = "SELECT * FROM jobs_count ORDER BY queue, lane";
const oldestSql = `SELECT min(ready_at) AS oldest FROM (SELECT ready_at, held_at FROM jobs_job INDEXED BY jobs_job_listed
  WHERE status = 'queued' AND status <> 'in_progress' AND queue = ? AND lane = ? ORDER BY id LIMIT 256) WHERE held_at IS NULL`;
const stagesSql = `SELECT s.id, s.parent_id, j.stage_id AS parent_stage_id, s.position, s.policy, s.state, s.remaining
  FROM jobs_stage AS s LEFT JOIN jobs_job AS j ON j.id = s.parent_id WHERE s.flow_id = ? ORDER BY s.id`;
const beatSql = `INSERT INTO jobs_manager (id, names, lines, started_at, seen_at, seen_until) VALUES (?, ?, ?, ?4, ?4, ?5)
  ON CONFLICT (id) DO UPDATE SET names = excluded.names, lines = excluded.lines, seen_at = excluded.seen_at,
    seen_until = excluded.seen_until`;
const leaveSql = "DELETE FROM jobs_manager WHERE id = ?";
const managersSql = "SELECT id, names, lines, started_at, seen_at FROM jobs_manager WHERE seen_until > ? ORDER BY id";
const reportSql = `INSERT INTO jobs_progress (id, fence, value, at)
  SELECT id, fence, ?3, ?4 FROM jobs_job WHERE id = ?1 AND fence = ?2 AND status = 'in_progress'
  ON CONFLICT (id) DO UPDATE SET fence = excluded.fence, value = excluded.value, at = excluded.at`;
const progressSql = "SELECT fence, value, at FROM jobs_progress WHERE id = ?";

export function countRows(session: Session): CountRow[] {
  return session.all<CountRow>(countsSql);
}

export function counts(session: Session): QueueCounts[] {
  return countRows(session).map(({ queue, lane, ...counted }): QueueCounts => {
    const oldest =
      counted.queued === 0 ? null : (session.get<{ oldest: number | null }>(oldestSql, queue, lane)?.oldest ?? null);
    const line = { queue, lane, counts: counted };
    return oldest === null ? line : { ...line, oldestWaitMs: Math.max(0, session.now - oldest) };
  });
}

interface StageLine {
  id: number;
  parent_id: number | null;
  parent_stage_id: number | null;
  position: number;
  policy: StagePolicy;
  state: StageState;
  remaining: number;
}

export function stages(session: Session, flowId: JobId): FlowStage[] {
  return session.all<StageLine>(stagesSql, idNumber(flowId)).map((row) => ({
    id: String(row.id),
    ...(row.parent_id === null ? {} : { parentId: String(row.parent_id) }),
    ...(row.parent_stage_id === null ? {} : { parentStageId: String(row.parent_stage_id) }),
    position: row.position,
    policy: row.policy,
    state: row.state,
    unfinished: row.state === "open" ? row.remaining : 0,
  }));
}

export function beat(session: Session, { id, names, lines }: ManagerBeat, ttlMs: number): void {
  session.run(beatSql, id, JSON.stringify(names), JSON.stringify(lines), session.now, session.now + ttlMs);
}

export function leave(session: Session, manager: string): void {
  session.run(leaveSql, manager);
}

export function managers(session: Session): ManagerSeen[] {
  const rows = session.all<{ id: string; names: string; lines: string; started_at: number; seen_at: number }>(
    managersSql,
    session.now,
  );
  return rows.map((row) => ({
    id: row.id,
    // Written by `beat` only.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    names: JSON.parse(row.names) as string[],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    lines: JSON.parse(row.lines) as ManagerBeat["lines"],
    startedAt: row.started_at,
    seenAt: row.seen_at,
  }));
}

export function reportProgress(session: Session, reports: readonly ProgressReport[]): void {
  for (const { id, fence, value } of reports) session.run(reportSql, idNumber(id), fence, value, session.now);
}

export function progress(session: Session, id: JobId): Progress | undefined {
  return session.get<{ fence: number; value: string; at: number }>(progressSql, idNumber(id));
}
