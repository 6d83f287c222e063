import type { DirectRefusal } from "../../queues.ts";
import type { AmendResult } from "../../transporter.ts";
import type { JobRow } from "../rows.ts";
import type { Session } from "../session.ts";
import { keyFits, queueAllowance, queueRow } from "./queue.ts";

/** In the order of direction; within one millisecond by id. */
const directSql = `UPDATE jobs_job SET status = 'queued', ready_at = ?1, directed = ?1, woken = 0, version = version + 1 WHERE id = ?2`;
const forceSql = `UPDATE jobs_job SET
    status = CASE WHEN delay_ms = 0 OR woken = 1 THEN 'queued' ELSE 'delayed' END,
    ready_at = ?1 + CASE WHEN woken = 1 THEN 0 ELSE delay_ms END, gate_forced_by = ?2, version = version + 1
  WHERE id = ?3 RETURNING status`;

/** L5: ready now and ahead of its lane; what it does not override refuses it. */
export function direct(session: Session, job: JobRow): AmendResult {
  const why = directRefusal(session, job);
  if (why !== undefined) return { state: "refused", status: job.status, why };
  session.run(directSql, session.now, job.id);
  session.ready.add(job.queue);
  return { state: "applied" };
}

function directRefusal(session: Session, job: JobRow): DirectRefusal | undefined {
  if (job.finished_at !== null) return "final";
  if (job.status === "in_progress") return "running";
  if (job.status === "waiting") return "gate";
  if (job.attempts_used >= job.attempts) return "budget";
  if (job.held_at !== null) return "held";
  const queue = queueRow(session, job.queue);
  if (queue === undefined) return undefined;
  if (queueAllowance(session, queue) <= 0) return "concurrency";
  return keyFits(session, queue, job.limit_key) ? undefined : "key-concurrency";
}

/** The job's own gate counts as opened; what stands beside it waits on. An `onFailed` job waits for its flow's end, not at a gate. */
export function forceGate(session: Session, job: JobRow, by: string): AmendResult {
  if (job.finished_at !== null) return { state: "refused", status: job.status, why: "final" };
  if (job.status !== "waiting" || job.stage_id === null)
    return { state: "refused", status: job.status, why: "no-gate" };
  const row = session.get<{ status: string }>(forceSql, session.now, by, job.id);
  if (row?.status === "queued") session.ready.add(job.queue);
  return { state: "applied" };
}
