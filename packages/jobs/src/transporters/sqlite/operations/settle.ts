import type { AttemptCause, JobFailure } from "../../../core/job.ts";
import type { Outcome, Settlement, SettleResult } from "../../transporter.ts";
import { idNumber, type JobRow } from "../rows.ts";
import type { Session } from "../session.ts";
import type { SentSettlements, SettledBatch } from "../settlements.ts";
import { enqueue } from "./enqueue.ts";
import { endJob } from "./finish.ts";
import { memberEnded } from "./flow.ts";
import { leaveRunning } from "./hot.ts";
import { endPlain } from "./hot-settle.ts";
import { releaseLimits } from "./queue.ts";
import { claimedOf, claimedTexts } from "./told.ts";
import { consumeKeptWake } from "./wake.ts";

type SettleRow = Pick<
  JobRow,
  | "id"
  | "queue"
  | "fence"
  | "version"
  | "priority"
  | "attempts_used"
  | "crashes"
  | "errors"
  | "woken"
  | "flow_id"
  | "stage_id"
  | "unique_key"
  | "wake_key"
  | "started_at"
  | "lease_until"
  | "claimed_by"
  | "limit_key"
  | "limited"
  | "lane"
> & { hot: number };

const columns = `j.id, j.queue, j.lane, j.version, j.priority, j.attempts_used, j.crashes, j.errors, j.woken, j.flow_id, j.stage_id,
  j.unique_key, j.wake_key, j.limit_key`;
const hotRowSql = `SELECT ${columns}, 0 AS limited, r.fence, r.started_at, r.lease_until, r.claimed_by, 1 AS hot
  FROM jobs_running AS r JOIN jobs_job AS j ON j.id = r.id WHERE r.id = ? AND r.fence = ?`;
const rowSql = `SELECT ${columns}, j.limited, j.fence, j.started_at, j.lease_until, j.claimed_by, 0 AS hot
  FROM jobs_job AS j WHERE j.id = ? AND j.fence = ? AND j.status = 'in_progress'`;
const backSql = `UPDATE jobs_job SET status = ?, ready_at = ?, priority = ?, attempts_used = ?, crashes = ?, errors = ?, wake_key = ?, woken = ?,
  directed = CASE WHEN ? THEN directed END, fence = ?, started_at = ?, lease_until = NULL, claimed_by = NULL WHERE id = ?`;
const attemptSql = `INSERT INTO jobs_attempt (job_id, fence, cause, claimed_by, started_at, ended_at, priority_before, priority_after, failure)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const forgetDeferredSql = "DELETE FROM jobs_attempt WHERE job_id = ? AND cause = 'deferred'";

/** Ends attempts by compare-and-set on the fence, `retry` and `defer` on the version too (L3). */
export function settle(session: Session, settlements: readonly Settlement[]): SettleResult[] {
  const results = settlements.map((settlement) => settleOne(session, settlement));
  session.flushCounts();
  return results;
}

/** As `settle`; those that end `processed` and enqueue nothing as one where they are plain. */
export function settleBatch(session: Session, { ends, others }: SentSettlements): SettledBatch {
  const refused: number[] = [];
  for (const at of endPlain(session, ends)) {
    const result = ends.results?.[at];
    const outcome: Outcome = { kind: "processed", ...(result == null ? {} : { result }) };
    const startedMs = ends.startedMs?.[at];
    const proof = { id: String(ends.ids[at]), fence: ends.fences[at] ?? 0, version: 0 };
    const settlement = { ...proof, outcome, ...(startedMs == null ? {} : { startedMs }) };
    if (settleOne(session, settlement).state === "refused") refused.push(at);
  }
  return { refused, others: settle(session, others) };
}

function settleOne(session: Session, settlement: Settlement): SettleResult {
  const { id, fence, version, outcome, expiredOnly, startedMs } = settlement;
  const number = idNumber(id);
  const row = session.get<SettleRow>(hotRowSql, number, fence) ?? session.get<SettleRow>(rowSql, number, fence);
  if (row === undefined) return { state: "refused", why: "fence" };
  if (expiredOnly === true && (row.lease_until ?? 0) > session.now) return { state: "refused", why: "not-expired" };
  if ((outcome.kind === "retry" || outcome.kind === "defer") && row.version !== version) {
    const [current] = claimedOf(claimedTexts(session, [row.id]));
    return current === undefined ? { state: "refused", why: "fence" } : { state: "refused", why: "version", current };
  }
  // Written with whatever becomes of it.
  if (startedMs !== undefined) row.started_at ??= session.now - startedMs;
  apply(session, row, outcome);
  if (row.limited === 1) releaseLimits(session, row);
  return { state: "applied" };
}

function apply(session: Session, row: SettleRow, outcome: Outcome): void {
  const ends = outcome.kind === "processed" || outcome.kind === "failed" || outcome.kind === "cancelled";
  if (row.hot === 1 && ends) leaveRunning(session, row, outcome.kind);
  switch (outcome.kind) {
    case "processed":
      endJob(session, row, { status: "processed", result: outcome.result });
      if (outcome.enqueue !== undefined && outcome.enqueue.length > 0) enqueue(session, outcome.enqueue);
      memberEnded(session, row, true);
      return;
    case "failed": {
      const { attemptsUsed, crashes, errors, failure } = outcome;
      recordAttempt(session, row, outcome.cause, row.priority, failure);
      endJob(session, row, { status: "failed", failure, attemptsUsed, crashes, errors });
      memberEnded(session, row, false);
      return;
    }
    case "cancelled":
      recordAttempt(session, row, "cancelled", row.priority, outcome.failure);
      endJob(session, row, { status: "cancelled", failure: outcome.failure });
      memberEnded(session, row, false);
      return;
    case "retry":
      recordAttempt(session, row, outcome.cause, outcome.priority, outcome.failure);
      putBack(session, row, outcome, outcome.cause === "released");
      return;
    case "defer":
      recordDeferral(session, row);
      putBack(
        session,
        row,
        {
          ...outcome,
          priority: row.priority,
          attemptsUsed: row.attempts_used,
          crashes: row.crashes,
          errors: row.errors,
        },
        true,
      );
  }
}

interface Back {
  kind: "retry" | "defer";
  delayMs: number;
  priority: number;
  attemptsUsed: number;
  crashes: number;
  errors: number;
  wakeKey?: string;
}

/** L7: a wake that came while the attempt ran, or was kept for the key, makes a release ready at once. */
function putBack(session: Session, row: SettleRow, back: Back, mayWake: boolean): void {
  const key = back.wakeKey ?? row.wake_key;
  const kept = mayWake && key !== null && consumeKeptWake(session, key);
  const ready = back.delayMs <= 0 || kept || (mayWake && key !== null && row.woken === 1);
  const readyAt = ready ? session.now : session.now + back.delayMs;
  const woken = ready ? 0 : row.woken;
  if (row.hot === 1) leaveRunning(session, row, ready ? "queued" : "delayed");
  session.run(
    backSql,
    ready ? "queued" : "delayed",
    readyAt,
    back.priority,
    back.attemptsUsed,
    back.crashes,
    back.errors,
    key,
    woken,
    back.kind === "defer" ? 1 : 0,
    row.fence,
    row.started_at,
    row.id,
  );
  if (ready) session.ready.add(row.queue);
}

/** A claim that was never started is no attempt (L4) and leaves no record. */
function recordAttempt(
  session: Session,
  row: SettleRow,
  cause: AttemptCause,
  after: number,
  failure?: JobFailure,
): void {
  if (row.started_at === null) return;
  const text = failure === undefined ? null : JSON.stringify(failure);
  session.run(
    attemptSql,
    row.id,
    row.fence,
    cause,
    row.claimed_by ?? "",
    row.started_at,
    session.now,
    row.priority,
    after,
    text,
  );
}

/** Deferrals cost no attempt and so have no end: only the latest is kept, or an outage of days would fill the store (L14). */
function recordDeferral(session: Session, row: SettleRow): void {
  if (row.started_at === null) return;
  session.run(forgetDeferredSql, row.id);
  recordAttempt(session, row, "deferred", row.priority);
}
