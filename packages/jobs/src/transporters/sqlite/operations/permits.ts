import { limits } from "../../../core/limits.ts";
import { isAdmitted } from "../../../core/permits.ts";
import {
  permitsShownMax,
  type PermitAnswer,
  type PermitLease,
  type PermitRequest,
  type ReleasedPermits,
  type SeenTicket,
} from "../../permits.ts";
import type { Session } from "../session.ts";

const ownSql = "SELECT place, fence, lease_until FROM jobs_permit WHERE ticket = ?";
/** The others of a semaphore whose leases hold, and how many of them stand before a place. */
const lineSql = `SELECT count(fence) AS held, count(*) - count(fence) AS waiting,
    count(*) FILTER (WHERE fence IS NULL AND place < ?) AS ahead, max(permits) AS permits
  FROM jobs_permit WHERE name = ? AND lease_until > ? AND place <> ?`;
const beforeSql = `SELECT ticket, host, process FROM jobs_permit
  WHERE name = ? AND lease_until > ? AND (fence IS NOT NULL OR place < ?) AND place <> ?
  ORDER BY fence IS NULL, place LIMIT ${permitsShownMax}`;
const passSql = "DELETE FROM jobs_permit WHERE name = ? AND lease_until <= ?";
const nextSql = "UPDATE jobs_counter SET value = value + 1 WHERE name = 'permit' RETURNING value";
const addSql = `INSERT INTO jobs_permit (ticket, name, place, permits, fence, lease_until, host, process)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const grantSql = "UPDATE jobs_permit SET fence = ?, lease_until = ? WHERE ticket = ?";
const stayInLineSql = "UPDATE jobs_permit SET lease_until = ? WHERE ticket = ?";
const renewSql = "UPDATE jobs_permit SET lease_until = ? WHERE ticket = ? AND fence IS NOT NULL";
const releaseSql = "DELETE FROM jobs_permit WHERE ticket = ? RETURNING name, permits";
const nextInLineSql = `SELECT ticket, host, process FROM jobs_permit
  WHERE name = ? AND lease_until > ? AND fence IS NULL ORDER BY place LIMIT ? + 0`;

interface Own {
  place: number;
  fence: number | null;
  lease_until: number;
}

interface Line {
  held: number;
  waiting: number;
  ahead: number;
  permits: number | null;
}

const nowhere = -1;

/** The answers of waiters that go on waiting and need not be written for it; undefined when something is to be written. */
export function stillWaiting(session: Session, requests: readonly PermitRequest[]): PermitAnswer[] | undefined {
  const answers: PermitAnswer[] = [];
  for (const request of requests) {
    // Who is in the line and asks once without waiting is told `taken`: not by this road.
    if (!request.wait) return undefined;
    const own = session.get<Own>(ownSql, request.ticket);
    if (own === undefined || own.fence !== null || own.lease_until - session.now < request.leaseMs / 2)
      return undefined;
    const line = lineOf(session, request.name, own.place);
    if (isAdmitted(request.permits, line.held, line.ahead)) return undefined;
    answers.push({ state: "waiting", ahead: line.ahead, before: before(session, request.name, own.place) });
  }
  return answers;
}

/** L12: permits, or places in the line. There is one writer, so that nobody comes between the look and the grant. */
export function acquire(session: Session, requests: readonly PermitRequest[]): PermitAnswer[] {
  return requests.map((request) => acquireOne(session, request));
}

function acquireOne(session: Session, request: PermitRequest): PermitAnswer {
  const { name, permits, ticket, leaseMs, wait, holder } = request;
  const leaseUntil = session.now + leaseMs;
  // Before the own row is read: a waiter that came too late has lost its place.
  session.run(passSql, name, session.now);
  const own = session.get<Own>(ownSql, ticket);
  if (own !== undefined && own.fence !== null) {
    session.run(stayInLineSql, leaseUntil, ticket);
    return { state: "held", fence: own.fence };
  }
  const line = lineOf(session, name, own?.place ?? nowhere);
  if (line.permits !== null && line.permits !== permits) {
    return { state: "refused", why: "permits", permits: line.permits };
  }
  const ahead = own === undefined ? line.waiting : line.ahead;
  if (isAdmitted(permits, line.held, ahead)) {
    const fence = nextNumber(session);
    if (own === undefined) {
      session.run(addSql, ticket, name, fence, permits, fence, leaseUntil, holder.host, holder.process);
    } else session.run(grantSql, fence, leaseUntil, ticket);
    return { state: "held", fence };
  }
  if (!wait) {
    return { state: "refused", why: "taken", before: before(session, name, own?.place ?? Number.MAX_SAFE_INTEGER) };
  }
  if (own === undefined) {
    if (ahead >= limits.permitWaitersMax) return { state: "refused", why: "waiters" };
    const place = nextNumber(session);
    session.run(addSql, ticket, name, place, permits, null, leaseUntil, holder.host, holder.process);
    return { state: "waiting", ahead, before: before(session, name, place) };
  }
  if (own.lease_until - session.now < leaseMs / 2) session.run(stayInLineSql, leaseUntil, ticket);
  return { state: "waiting", ahead, before: before(session, name, own.place) };
}

export function renewPermits(session: Session, leases: readonly PermitLease[]): ("renewed" | "lost")[] {
  return leases.map(({ ticket, leaseMs }) =>
    session.run(renewSql, session.now + leaseMs, ticket) === 1 ? "renewed" : "lost",
  );
}

export function releasePermits(session: Session, tickets: readonly string[]): ReleasedPermits {
  const permitsOf = new Map<string, number>();
  const released = tickets.map((ticket) => {
    const gone = session.get<{ name: string; permits: number }>(releaseSql, ticket);
    if (gone !== undefined) permitsOf.set(gone.name, gone.permits);
    return gone !== undefined;
  });
  const next = [...permitsOf].flatMap(([name, permits]) => {
    const free = permits - lineOf(session, name, nowhere).held;
    return free > 0 ? session.all<SeenTicket & Record<string, unknown>>(nextInLineSql, name, session.now, free) : [];
  });
  return { released, next };
}

function lineOf(session: Session, name: string, place: number): Line {
  const line = session.get<Line>(lineSql, place, name, session.now, place);
  return line ?? { held: 0, waiting: 0, ahead: 0, permits: null };
}

function before(session: Session, name: string, place: number): SeenTicket[] {
  return session.all<SeenTicket & Record<string, unknown>>(beforeSql, name, session.now, place, place);
}

function nextNumber(session: Session): number {
  return session.get<{ value: number }>(nextSql)?.value ?? 0;
}
