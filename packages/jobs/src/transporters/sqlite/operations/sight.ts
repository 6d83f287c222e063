import type { JobId, JobStatus, Lane, StagePolicy } from "../../../core/job.ts";
import type {
  FlowStage,
  ManagerAsked,
  ManagerBeat,
  ManagerFacts,
  ManagerSeen,
  Progress,
  ProgressReport,
  QueueCounts,
  StageState,
} from "../../sight.ts";
import { idNumber } from "../rows.ts";
import type { Session } from "../session.ts";
import { isListed, places } from "./hot.ts";

export type CountRow = { queue: string; lane: Lane } & Record<JobStatus, number>;

/** The longest wait is looked for among so many of the first ones of each place: ids ascend with time. */
const oldestAmong = 64;

const countsSql = "SELECT * FROM jobs_count ORDER BY queue, lane";
const oldestReadySql = `SELECT min(ready_at) AS oldest FROM (SELECT j.ready_at FROM jobs_ready AS r CROSS JOIN jobs_job AS j ON j.id = r.id
  WHERE r.line = ? AND r.place = ? ORDER BY r.id LIMIT ${oldestAmong})`;
const oldestAsideSql = `SELECT min(ready_at) AS oldest FROM (SELECT ready_at, held_at FROM jobs_job INDEXED BY jobs_job_listed
  WHERE ${isListed} AND status = 'queued' AND queue = ? AND lane = ? ORDER BY id LIMIT ${oldestAmong}) WHERE held_at IS NULL`;
const stagesSql = `SELECT s.id, s.parent_id, j.stage_id AS parent_stage_id, s.position, s.policy, s.state, s.remaining
  FROM jobs_stage AS s LEFT JOIN jobs_job AS j ON j.id = s.parent_id WHERE s.flow_id = ? ORDER BY s.id`;
const beatSql = `INSERT INTO jobs_manager (id, names, lines, started_at, seen_at, seen_until, facts) VALUES (?, ?, ?, ?4, ?4, ?5, ?6)
  ON CONFLICT (id) DO UPDATE SET names = excluded.names, lines = excluded.lines, seen_at = excluded.seen_at,
    seen_until = excluded.seen_until, facts = excluded.facts RETURNING asked`;
const askSql = "UPDATE jobs_manager SET asked = ? WHERE id = ? AND seen_until > ?";
const leaveSql = "DELETE FROM jobs_manager WHERE id = ?";
const managersSql = `SELECT id, names, lines, started_at, seen_at, facts, asked,
    EXISTS (SELECT 1 FROM jobs_leader AS l WHERE l.manager = jobs_manager.id AND l.held_until > ?1) AS leads
  FROM jobs_manager WHERE seen_until > ?1 ORDER BY id`;
const reportSql = `INSERT INTO jobs_progress (id, fence, value, at)
  SELECT id, fence, ?3, ?4 FROM jobs_running WHERE id = ?1 AND fence = ?2
  UNION ALL SELECT id, fence, ?3, ?4 FROM jobs_job WHERE id = ?1 AND fence = ?2 AND status = 'in_progress'
  ON CONFLICT (id) DO UPDATE SET fence = excluded.fence, value = excluded.value, at = excluded.at`;
const progressSql = "SELECT fence, value, at FROM jobs_progress WHERE id = ?";

export function countRows(session: Session): CountRow[] {
  return session.all<CountRow>(countsSql);
}

export function counts(session: Session): QueueCounts[] {
  return countRows(session).map(({ queue, lane, ...counted }): QueueCounts => {
    const oldest = counted.queued === 0 ? Infinity : oldestReady(session, queue, lane);
    const line = { queue, lane, counts: counted };
    return oldest === Infinity ? line : { ...line, oldestWaitMs: Math.max(0, session.now - oldest) };
  });
}

interface Oldest {
  oldest: number | null;
}

function oldestReady(session: Session, queue: string, lane: Lane): number {
  let oldest = session.get<Oldest & Record<string, unknown>>(oldestAsideSql, queue, lane)?.oldest ?? Infinity;
  const line = session.line(queue, lane);
  if (line === undefined) return oldest;
  for (const place of places(session, line)) {
    oldest = Math.min(
      oldest,
      session.get<Oldest & Record<string, unknown>>(oldestReadySql, line, place)?.oldest ?? Infinity,
    );
  }
  return oldest;
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

export function beat(session: Session, { id, names, lines, facts }: ManagerBeat, ttlMs: number): ManagerAsked {
  const told = facts === undefined ? null : JSON.stringify(facts);
  const row = session.get<{ asked: ManagerAsked }>(
    beatSql,
    id,
    JSON.stringify(names),
    JSON.stringify(lines),
    session.now,
    session.now + ttlMs,
    told,
  );
  return row?.asked ?? "run";
}

export function ask(session: Session, manager: string, asked: ManagerAsked): boolean {
  return session.run(askSql, asked, manager, session.now) > 0;
}

export function leave(session: Session, manager: string): void {
  session.run(leaveSql, manager);
}

interface ManagerRow {
  id: string;
  names: string;
  lines: string;
  started_at: number;
  seen_at: number;
  facts: string | null;
  asked: ManagerAsked;
  leads: number;
}

export function managers(session: Session): ManagerSeen[] {
  return session.all<ManagerRow>(managersSql, session.now).map((row) => ({
    id: row.id,
    // Written by `beat` only.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    names: JSON.parse(row.names) as string[],
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    lines: JSON.parse(row.lines) as ManagerBeat["lines"],
    startedAt: row.started_at,
    seenAt: row.seen_at,
    asked: row.asked,
    leads: row.leads === 1,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    ...(row.facts === null ? {} : { facts: JSON.parse(row.facts) as ManagerFacts }),
  }));
}

export function reportProgress(session: Session, reports: readonly ProgressReport[]): void {
  for (const { id, fence, value } of reports) session.run(reportSql, idNumber(id), fence, value, session.now);
}

export function progress(session: Session, id: JobId): Progress | undefined {
  return session.get<{ fence: number; value: string; at: number }>(progressSql, idNumber(id));
}
