import type { Campaign } from "../../schedules.ts";
import type { Session } from "../session.ts";

const seatSql = "SELECT manager, fence, held_until FROM jobs_leader WHERE seat = ?";
const takeSql = `INSERT INTO jobs_leader AS l (seat, manager, fence, held_until) VALUES (?1, ?2, 1, ?3)
  ON CONFLICT (seat) DO UPDATE SET fence = CASE WHEN l.manager = ?2 THEN l.fence ELSE l.fence + 1 END, manager = ?2, held_until = ?3
  RETURNING fence`;
/** The row stays, so that fences go on. */
const resignSql = "UPDATE jobs_leader SET held_until = 0 WHERE seat = ? AND manager = ?";

interface SeatRow {
  manager: string;
  fence: number;
  held_until: number;
}

/** The answer of a campaign that cannot win, for which nothing need be written; else undefined. */
export function seatTaken(session: Session, seat: string, manager: string): Campaign | undefined {
  const row = session.get<SeatRow>(seatSql, seat);
  if (row === undefined || row.manager === manager || row.held_until <= session.now) return undefined;
  return { leading: false, fence: row.fence, retryInMs: row.held_until - session.now };
}

export function campaign(session: Session, seat: string, manager: string, leaseMs: number): Campaign {
  const taken = seatTaken(session, seat, manager);
  if (taken !== undefined) return taken;
  const row = session.get<{ fence: number }>(takeSql, seat, manager, session.now + leaseMs);
  return { leading: true, fence: row?.fence ?? 0 };
}

export function resign(session: Session, seat: string, manager: string): void {
  session.run(resignSql, seat, manager);
}
