import { JobsError } from "../../../core/errors.ts";
import type { JobId } from "../../../core/job.ts";
import { keyTaken } from "../../../core/unique.ts";
import type { Enqueued, NewFlow, NewItem, NewJob } from "../../transporter.ts";
import type { Session } from "../session.ts";
import { refuseFull } from "./depth.ts";
import { replaceJob } from "./replace.ts";

const allocateSql = "UPDATE jobs_counter SET value = value + ? WHERE name = 'job' RETURNING value";
const insertJobSql = `INSERT INTO jobs_job (id, name, queue, lane, status, base_priority, priority, attempts, timeout_ms,
  delay_ms, flow_id, parent_id, stage_id, unique_key, wake_key, limit_key, created_at, ready_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const insertInputSql = "INSERT INTO jobs_input (id, input) VALUES (?, ?)";
const insertFlowSql =
  "INSERT INTO jobs_flow (id, status, on_failed_job_id, unique_key, created_at) VALUES (?, 'running', ?, ?, ?)";
const insertStageSql = `INSERT INTO jobs_stage (flow_id, parent_id, position, policy, state, remaining)
  VALUES (?, ?, ?, ?, ?, ?) RETURNING id`;
/** A key past its time is free; one that its holder takes up again (a retry by hand) is held again. */
const holdKeySql = `INSERT INTO jobs_unique (key, holder, is_flow, kept_ms) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, is_flow = excluded.is_flow,
    kept_ms = CASE WHEN holder = excluded.holder THEN kept_ms ELSE excluded.kept_ms END, kept_until = NULL
  WHERE kept_until <= ?5 OR kept_until IS NOT NULL AND holder = excluded.holder AND is_flow = excluded.is_flow`;
const holderSql = "SELECT holder, is_flow FROM jobs_unique WHERE key = ?";
const membersSql = "SELECT id FROM jobs_job WHERE flow_id = ? AND stage_id IS NOT NULL ORDER BY id";

/** Where a job stands in its flow. `waiting`: behind a gate, its delay is counted from the opening (L6). */
export interface Placement {
  waiting: boolean;
  flowId: number | null;
  parentId: number | null;
  stageId: number | null;
}

const alone: Placement = { waiting: false, flowId: null, parentId: null, stageId: null };

/** Jobs that an item adds at most: what ids are set aside for. */
export function jobsOf(item: NewItem): number {
  return "job" in item ? 1 : item.flow.jobs.length + (item.flow.onFailed === undefined ? 0 : 1);
}

/** First of `count` new ids. They ascend with the order of enqueueing and are never given twice, pruned jobs' included. */
export function allocateIds(session: Session, count: number): number {
  const row = session.get<{ value: number }>(allocateSql, count);
  if (row === undefined)
    throw new JobsError("store_unavailable", "the store has lost its counter of ids: restore it from a backup");
  return row.value - count + 1;
}

/** Adds jobs and flows; must run inside a transaction or savepoint, so that all or none are added (L11). */
export function enqueue(session: Session, items: readonly NewItem[]): Enqueued[] {
  refuseFull(session, items);
  let next = allocateIds(
    session,
    items.reduce((sum, item) => sum + jobsOf(item), 0),
  );
  return items.map((item) => {
    const first = next;
    next += jobsOf(item);
    return "job" in item ? enqueueJob(session, first, item.job) : enqueueFlow(session, first, item.flow);
  });
}

function enqueueJob(session: Session, id: number, job: NewJob): Enqueued {
  if (job.uniqueKey !== undefined && !holdKey(session, job.uniqueKey, id, false, job.uniqueKeptMs))
    return clash(session, job.uniqueKey, job);
  insertJob(session, id, job, alone);
  return { state: "added", ids: [String(id)] };
}

/** False when another job or flow holds the key: it is unfinished, or the time it keeps the key has not passed (L17). */
export function holdKey(session: Session, key: string, holder: number, isFlow: boolean, keptMs?: number): boolean {
  return session.run(holdKeySql, key, holder, isFlow ? 1 : 0, keptMs ?? null, session.now) === 1;
}

/** The key is held: what becomes of the new one is its own to say (L17). */
function clash(session: Session, key: string, item: NewJob | NewFlow): Enqueued {
  const found = existing(session, key);
  const [jobId = ""] = found.ids;
  if (item.onClash === "reject") {
    const holder = found.flowId ?? jobId;
    throw new JobsError("unique_key_taken", keyTaken(key, holder, found.flowId !== undefined), { details: { holder } });
  }
  if (item.onClash !== "replace" || found.flowId !== undefined || !replaceJob(session, Number(jobId), item))
    return found;
  return { state: "replaced", ids: found.ids };
}

function existing(session: Session, key: string): Enqueued {
  const row = session.get<{ holder: number; is_flow: number }>(holderSql, key);
  if (row === undefined)
    throw new JobsError("unique_key_taken", `unique key "${key}" was freed while it was looked up: enqueue again`);
  if (row.is_flow === 0) return { state: "existing", ids: [String(row.holder)] };
  const ids = session.all<{ id: number }>(membersSql, row.holder).map((member): JobId => String(member.id));
  return { state: "existing", ids, flowId: String(row.holder) };
}

export function insertJob(session: Session, id: number, job: NewJob, place: Placement): void {
  const { now } = session;
  const delayed = job.delayMs > 0;
  session.run(
    insertJobSql,
    id,
    job.name,
    job.queue,
    job.lane,
    place.waiting ? "waiting" : delayed ? "delayed" : "queued",
    job.priority,
    job.priority,
    job.attempts,
    job.timeoutMs,
    job.delayMs,
    place.flowId,
    place.parentId,
    place.stageId,
    job.uniqueKey ?? null,
    job.wakeKey ?? null,
    job.limitKey ?? null,
    now,
    place.waiting ? now : now + job.delayMs,
  );
  session.run(insertInputSql, id, job.input);
  if (!place.waiting && !delayed) session.ready.add(job.queue);
}

/** The flow's id is that of its first job: one sequence for both, so that an id is never ambiguous. */
function enqueueFlow(session: Session, flowId: number, flow: NewFlow): Enqueued {
  if (flow.uniqueKey !== undefined && !holdKey(session, flow.uniqueKey, flowId, true, flow.uniqueKeptMs))
    return clash(session, flow.uniqueKey, flow);
  const ids = flow.jobs.map((_, index) => flowId + index);
  const onFailedId = flow.onFailed === undefined ? null : flowId + flow.jobs.length;
  session.run(insertFlowSql, flowId, onFailedId, flow.uniqueKey ?? null, session.now);
  const stages = insertStages(session, flowId, flow, ids);
  flow.jobs.forEach((job, index) => {
    const id = flowId + index;
    const stage = stages[job.stage];
    if (stage === undefined) {
      throw new JobsError(
        "invalid_definition",
        `job "${job.name}" names stage ${job.stage}: the flow has ${stages.length}, from 0`,
      );
    }
    if (job.uniqueKey !== undefined && !holdKey(session, job.uniqueKey, id, false)) {
      const holder = existing(session, job.uniqueKey).ids[0] ?? "";
      throw new JobsError(
        "unique_key_taken",
        `unique key "${job.uniqueKey}" of job "${job.name}" in a flow is held by job ${holder}: wait for its end or give the key to the flow`,
      );
    }
    insertJob(session, id, job, { waiting: !stage.open, flowId, parentId: stage.parentId, stageId: stage.id });
  });
  if (flow.onFailed !== undefined && onFailedId !== null) {
    insertJob(session, onFailedId, flow.onFailed, { waiting: true, flowId, parentId: null, stageId: null });
  }
  return { state: "added", ids: ids.map(String), flowId: String(flowId) };
}

interface PlacedStage {
  id: number;
  parentId: number | null;
  open: boolean;
}

function insertStages(session: Session, flowId: number, flow: NewFlow, ids: number[]): PlacedStage[] {
  const members = Array.from({ length: flow.stages.length }, () => 0);
  for (const job of flow.jobs) members[job.stage] = (members[job.stage] ?? 0) + 1;
  const positions = new Map<number | undefined, number>();
  return flow.stages.map(({ parent, policy }, index) => {
    const position = positions.get(parent) ?? 0;
    positions.set(parent, position + 1);
    const parentId = parent === undefined ? null : (ids[parent] ?? null);
    const open = parent === undefined && position === 0;
    const state = open ? "open" : "waiting";
    const remaining = open ? (members[index] ?? 0) : 0;
    const row = session.get<{ id: number }>(insertStageSql, flowId, parentId, position, policy, state, remaining);
    return { id: row?.id ?? -1, parentId, open };
  });
}
