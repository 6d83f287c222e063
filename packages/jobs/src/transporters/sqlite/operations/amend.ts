import type { JobId } from "../../../core/job.ts";
import type { AmendResult, Change } from "../../transporter.ts";
import { idNumber, type JobRow } from "../rows.ts";
import type { Session } from "../session.ts";
import { direct, forceGate } from "./direct.ts";
import { endJob } from "./finish.ts";
import { memberEnded } from "./flow.ts";
import { retryJob } from "./retry.ts";

const rowSql = "SELECT * FROM jobs_job WHERE id = ?";
const bumpSql = "UPDATE jobs_job SET version = version + 1 WHERE id = ?";
const requestSql =
  "UPDATE jobs_job SET cancel_requested = 1, version = version + 1 WHERE id = ? AND cancel_requested = 0";
const prioritySql = "UPDATE jobs_job SET base_priority = ?1, priority = ?1, version = version + 1 WHERE id = ?2";

/** Acts of people, one after the other: an earlier one of the same call may have changed what a later one meets. */
export function amend(session: Session, ids: readonly JobId[], change: Change): AmendResult[] {
  return ids.map((id) => {
    const row = session.get<JobRow>(rowSql, idNumber(id));
    if (row === undefined) return { state: "refused", status: "unknown" };
    if (change.kind === "retry") return retryJob(session, row);
    if (change.kind === "direct") return direct(session, row);
    if (change.kind === "force-gate") return forceGate(session, row, change.by);
    if (row.finished_at !== null) return { state: "refused", status: row.status };
    if (change.kind === "cancel") return cancel(session, row, change.reason);
    session.run(prioritySql, change.priority, row.id);
    return { state: "applied" };
  });
}

function cancel(session: Session, row: JobRow, reason: string): AmendResult {
  if (row.status === "in_progress") {
    session.run(requestSql, row.id);
    return { state: "requested" };
  }
  session.run(bumpSql, row.id);
  endJob(session, row, { status: "cancelled", failure: { code: "cancelled", message: reason } });
  memberEnded(session, row, false);
  return { state: "applied" };
}
