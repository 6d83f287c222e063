import { DatabaseSync } from "node:sqlite";
import { ClockOffset } from "../clock-offset.ts";
import type { Renewer } from "../transporter.ts";
import { typed } from "./errors.ts";
import { renew } from "./operations/lease.ts";
import { renewPermits } from "./operations/permits.ts";
import { settle } from "./operations/settle.ts";
import { Session } from "./session.ts";

export interface RenewerOptions {
  path: string;
  busyTimeoutMs: number;
  clockOffset: SharedArrayBuffer;
}

/** A connection for renewals alone, in the thread that keeps leases (L9). Throws `store_*`. */
export async function openRenewer({ path, busyTimeoutMs, clockOffset }: RenewerOptions): Promise<Renewer> {
  const offset = new ClockOffset(clockOffset);
  let session: Session;
  try {
    const db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    // What a power loss takes of a renewal is worth nothing afterwards: no sync of its own (L11 is about ends).
    db.exec("PRAGMA synchronous = NORMAL");
    session = new Session(db);
  } catch (error) {
    throw typed(error, path);
  }
  const inTransaction = <T>(act: () => T): T => {
    try {
      session.db.exec("BEGIN IMMEDIATE");
      session.now = Date.now() + offset.ms;
      const result = act();
      session.db.exec("COMMIT");
      return result;
    } catch (error) {
      if (session.db.isTransaction) session.db.exec("ROLLBACK");
      throw typed(error, path);
    }
  };
  return {
    renew: async (leases) => inTransaction(() => renew(session, leases)),
    renewPermits: async (leases) => inTransaction(() => renewPermits(session, leases)),
    giveBack: async (claims) => {
      inTransaction(() =>
        settle(
          session,
          claims.map((claim) => ({ ...claim, outcome: { kind: "defer", delayMs: 0 } })),
        ),
      );
    },
    close: async () => session.db.close(),
  };
}
