import { JobsError } from "../../core/errors.ts";
import type { HostIdentity } from "./location.ts";
import type { Session } from "./session.ts";

/**
 * One host to a store (L14): WAL's shared memory does not reach further. The host that has the store open signs in now and
 * then; another is refused while the signature is fresh. A restart of the same machine is not another host.
 */
export const hostFreshMs = 30_000;
export const hostSignMs = 10_000;

const readSql = "SELECT machine, boot, seen_at FROM jobs_host WHERE one = 1";
const takeSql = `INSERT INTO jobs_host (one, machine, boot, seen_at) VALUES (1, ?, ?, ?)
  ON CONFLICT (one) DO UPDATE SET machine = excluded.machine, boot = excluded.boot, seen_at = excluded.seen_at`;
const signSql =
  "UPDATE jobs_host SET seen_at = ?, boot = ? WHERE one = 1 AND (machine = ? OR boot = ?) AND seen_at < ?";

interface HostRow {
  machine: string;
  boot: string;
  seen_at: number;
}

/** Inside a write transaction. Throws `store_location_refused` while another host has the store. */
export function takeHost(session: Session, host: HostIdentity, path: string): void {
  const row = session.get<HostRow>(readSql);
  const ours = row === undefined || row.machine === host.machine || row.boot === host.boot;
  if (!ours && Date.now() - row.seen_at < hostFreshMs) throw otherHost(path, row.machine);
  session.run(takeSql, host.machine, host.boot, Date.now());
}

/** True when another host has taken the store over: this one must not write any more. */
export function signHost(session: Session, host: HostIdentity): boolean {
  const now = Date.now();
  session.run(signSql, now, host.boot, host.machine, host.boot, now - hostSignMs);
  const row = session.get<HostRow>(readSql);
  return row !== undefined && row.machine !== host.machine && row.boot !== host.boot;
}

export function otherHost(path: string, machine: string): JobsError {
  return new JobsError(
    "store_location_refused",
    `${path} is in use by another host (${machine}): an SQLite store belongs to one host; use PostgreSQL for several, or wait ${hostFreshMs / 1000} s after stopping the other`,
  );
}
