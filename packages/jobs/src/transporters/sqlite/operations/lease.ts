import type { ExpiredClaim, Lease, RenewState } from "../../transporter.ts";
import { claimColumns, type ExpiredRow, idNumber, toExpired } from "../rows.ts";
import type { Session } from "../session.ts";

const renewSql = `UPDATE jobs_job SET lease_until = ?, started_at = coalesce(started_at, ?)
  WHERE id = ? AND fence = ? AND status = 'in_progress' RETURNING cancel_requested`;
const expiredSql = `SELECT ${claimColumns}, j.started_at, j.claimed_by FROM jobs_job AS j INDEXED BY jobs_job_running JOIN jobs_input AS i ON i.id = j.id
  WHERE j.status = 'in_progress' AND j.lease_until <= ? ORDER BY j.lease_until, j.id LIMIT ?`;

/** Extends leases and marks the attempts started (L9). A lease that ran out and was not rescued yet is still its holder's. */
export function renew(session: Session, leases: readonly Lease[]): RenewState[] {
  return leases.map(({ id, fence, leaseMs }) => {
    const row = session.get<{ cancel_requested: number }>(
      renewSql,
      session.now + leaseMs,
      session.now,
      idNumber(id),
      fence,
    );
    if (row === undefined) return "lost";
    return row.cancel_requested === 1 ? "cancel" : "renewed";
  });
}

export function expired(session: Session, limit: number): ExpiredClaim[] {
  return session.all<ExpiredRow>(expiredSql, session.now, limit).map(toExpired);
}
