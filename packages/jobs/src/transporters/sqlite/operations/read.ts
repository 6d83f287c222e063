import type { Attempt, Flow, Job, JobId } from "../../../core/job.ts";
import type { Claimed } from "../../transporter.ts";
import {
  type AttemptRow,
  claimColumns,
  type ClaimRow,
  type FlowRow,
  type FullJobRow,
  idNumber,
  toAttempt,
  toClaimed,
  toFlow,
  toJob,
} from "../rows.ts";
import type { Session } from "../session.ts";

/** A job with what lives apart. */
export const fullSql = `SELECT j.*, i.input, o.result, o.failure, s.position FROM jobs_job AS j
  JOIN jobs_input AS i ON i.id = j.id LEFT JOIN jobs_outcome AS o ON o.id = j.id LEFT JOIN jobs_stage AS s ON s.id = j.stage_id`;
const getSql = `${fullSql} WHERE j.id = ?`;
const currentSql = `SELECT ${claimColumns} FROM jobs_job AS j JOIN jobs_input AS i ON i.id = j.id WHERE j.id = ?`;
const attemptsSql = "SELECT * FROM jobs_attempt WHERE job_id = ? ORDER BY fence";
const flowSql = "SELECT * FROM jobs_flow WHERE id = ?";

/** Those that exist, in the order asked for. */
export function get(session: Session, ids: readonly JobId[]): Job[] {
  const jobs: Job[] = [];
  for (const id of ids) {
    const row = session.get<FullJobRow>(getSql, idNumber(id));
    if (row !== undefined) jobs.push(toJob(row));
  }
  return jobs;
}

export function current(session: Session, id: number): Claimed | undefined {
  const row = session.get<ClaimRow>(currentSql, id);
  return row === undefined ? undefined : toClaimed(row);
}

export function attempts(session: Session, id: JobId): Attempt[] {
  return session.all<AttemptRow>(attemptsSql, idNumber(id)).map(toAttempt);
}

export function flow(session: Session, id: JobId): Flow | undefined {
  const row = session.get<FlowRow>(flowSql, idNumber(id));
  return row === undefined ? undefined : toFlow(row);
}
