import type { ExpiredClaim, Lease, RenewState } from "../../transporter.ts";
import { idNumber } from "../rows.ts";
import type { Session } from "../session.ts";
import { claimedOf, claimedTexts } from "./told.ts";

/** Of a hot job nobody has asked anything: a cancel would have cooled it down. */
const renewHotSql =
  "UPDATE jobs_running SET lease_until = ?1, started_at = coalesce(started_at, ?2) WHERE id = ?3 AND fence = ?4";
const renewSql = `UPDATE jobs_job SET lease_until = ?, started_at = coalesce(started_at, ?)
  WHERE id = ? AND fence = ? AND status = 'in_progress' RETURNING cancel_requested`;
/** As many run as there are slots: the hot ones are walked, and pay for no index. */
const expiredSql = `SELECT id, started_at, claimed_by, lease_until FROM jobs_running WHERE lease_until <= ?1
  UNION ALL SELECT id, started_at, claimed_by, lease_until FROM jobs_job INDEXED BY jobs_job_running
    WHERE status = 'in_progress' AND lease_until <= ?1
  ORDER BY lease_until, id LIMIT ?2 + 0`;

/** Extends leases and marks the attempts started (L9). A lease that ran out and was not rescued yet is still its holder's. */
export function renew(session: Session, leases: readonly Lease[]): RenewState[] {
  return leases.map(({ id, fence, leaseMs }) => {
    const params = [session.now + leaseMs, session.now, idNumber(id), fence] as const;
    if (session.run(renewHotSql, ...params) === 1) return "renewed";
    const row = session.get<{ cancel_requested: number }>(renewSql, ...params);
    if (row === undefined) return "lost";
    return row.cancel_requested === 1 ? "cancel" : "renewed";
  });
}

interface ExpiredRow {
  id: number;
  started_at: number | null;
  claimed_by: string | null;
}

export function expired(session: Session, limit: number): ExpiredClaim[] {
  const rows = new Map(
    session
      .all<ExpiredRow & Record<string, unknown>>(expiredSql, session.now, limit)
      .map((row) => [String(row.id), row]),
  );
  // Between two looks one may have ended: the rescuer settles by fence, and is refused.
  return claimedOf(claimedTexts(session, [...rows.keys()].map(Number))).map((claimed) => {
    const row = rows.get(claimed.id);
    return { ...claimed, started: row?.started_at != null, claimedBy: row?.claimed_by ?? "" };
  });
}
