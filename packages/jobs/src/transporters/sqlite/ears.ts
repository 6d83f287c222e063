import { Bell } from "../../memory/bell.ts";
import { hostFreshMs, hostSignMs } from "./host.ts";
import type { Session } from "./session.ts";

const signSql =
  "INSERT INTO jobs_ear (address, seen_at) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET seen_at = excluded.seen_at";
const forgetSql = "DELETE FROM jobs_ear WHERE seen_at < ?";
const leaveSql = "DELETE FROM jobs_ear WHERE address = ?";
const othersSql = "SELECT address FROM jobs_ear WHERE address <> ?";
/** Of the longest names, each character escaped, they fit into one datagram. */
const queuesPerDatagram = 40;

/**
 * Hints between the processes of the host: who listens has its address in the file, and whoever made jobs ready rings it after the
 * commit and before the answer. So a manager whose slot frees up after an enqueue has returned has that hint in its socket by then (L1). It may
 * be lost: commits are looked for now and then all the same (`notifier.ts`). On the writer's thread and connection.
 */
export class Ears {
  readonly #session: Session;
  readonly #bell = new Bell(() => undefined);
  /** This process's own, whose listeners hear of its commits by its answers. */
  #own: string | undefined;
  #signedAt = -Infinity;

  constructor(session: Session) {
    this.#session = session;
    // Bound before the first hint is due, so that it goes out at once.
    void this.#bell.address();
  }

  /** Outside of transactions. May throw what SQLite throws; the next `sign` repeats it. */
  sign(address: string): void {
    const now = Date.now();
    if (address === this.#own && now - this.#signedAt < hostSignMs) return;
    this.#own = address;
    this.#session.run(signSql, address, now);
    this.#session.run(forgetSql, now - hostFreshMs);
    this.#signedAt = now;
  }

  leave(): void {
    if (this.#own !== undefined) this.#session.run(leaveSql, this.#own);
    this.#own = undefined;
  }

  /** Tells the others that jobs of these queues may be ready. Never throws: what they are told of is committed. */
  ring(queues: readonly string[]): void {
    try {
      const others = this.#session.all<{ address: string }>(othersSql, this.#own ?? "");
      if (others.length === 0) return;
      for (let from = 0; from < queues.length; from += queuesPerDatagram) {
        const hint = JSON.stringify(queues.slice(from, from + queuesPerDatagram));
        for (const { address } of others) this.#bell.ring(address, hint);
      }
    } catch {
      // They find out by themselves.
    }
  }

  close(): void {
    this.#bell.close();
  }
}

/** The queues that a hint names; of anything else, which any program of the host may send, none. */
export function queuesIn(hint: string): string[] {
  try {
    const queues: unknown = JSON.parse(hint);
    return Array.isArray(queues) ? queues.filter((queue) => typeof queue === "string") : [];
  } catch {
    return [];
  }
}
