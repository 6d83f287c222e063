import { setTimeout as sleep } from "node:timers/promises";
import { ClockOffset } from "../clock-offset.ts";
import type { MemoryStore, PermitStore } from "../permits.ts";
import type { RemoteRenewal } from "../transporter.ts";
import { isBusy, typed } from "./errors.ts";
import { thisHost } from "./location.ts";
import { openWriter } from "./open.ts";
import { answerIdle, execute } from "./operations/dispatch.ts";
import type { OperationName, Operations, Request } from "./protocol.ts";
import { remoteOf } from "./remote.ts";
import type { Session } from "./session.ts";
import { memoryOf, permitsOf } from "./shared.ts";

/** How long an act waits for another process's, which take some 50 µs each, with the event loop standing still. */
const stillMsMax = 20;
/** Opening is rare, and the file new: tables are made by whoever comes first. */
const openMsMax = 10_000;
/**
 * How long it goes on trying between turns of the event loop. Of a hundred processes that all want the file, SQLite lets in whoever
 * happens to ask at the right moment: one was passed over for more than 5 s.
 */
const busyMsMax = 60_000;

export interface DirectStore {
  permits: PermitStore;
  memory: MemoryStore;
  /** The lease thread's way to the file (L9). */
  remote: RemoteRenewal;
  close(): void;
}

/**
 * Semaphores and memory (L12) of a file in memory, on the caller's own event loop: an act takes less time than the two messages that a
 * thread for it would cost. Not for files that others write jobs to.
 *
 * Commits do not wait for a disk: what a power loss could take was held by processes that it ends.
 *
 * @throws JobsError `store_*`, `migration_failed`.
 */
export function openDirect(path: string): DirectStore {
  const session = openWriter({ path, busyTimeoutMs: openMsMax, host: thisHost() });
  session.db.exec(`PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = ${stillMsMax}`);
  const run =
    (inTransaction: boolean) =>
    async <K extends OperationName>(op: K, args: Operations[K]["args"]): Promise<Operations[K]["result"]> => {
      // Typed by `Operations`: what is asked is a Request, and its answer of the operation's result type.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const request = { id: 0, op, args, clockOffsetMs: 0 } as Request;
      for (const end = performance.now() + busyMsMax; ; await sleep(Math.random() * stillMsMax)) {
        try {
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion
          return answer(session, request, inTransaction) as Operations[K]["result"];
        } catch (error) {
          if (session.db.isOpen && session.db.isTransaction) session.db.exec("ROLLBACK");
          // It has changed nothing.
          if (!isBusy(error) || performance.now() > end) throw typed(error, path);
        }
      }
    };
  return {
    permits: permitsOf(run(true)),
    memory: memoryOf(run(false), run(true)),
    remote: remoteOf({ path, busyTimeoutMs: openMsMax, clockOffset: new ClockOffset().buffer }),
    close: () => session.db.close(),
  };
}

function answer(session: Session, request: Request, inTransaction: boolean): unknown {
  // A look that changes nothing does not queue for the file's lock.
  const idle = answerIdle(session, request);
  if (idle !== undefined) return idle.value;
  session.prepare(inTransaction ? "BEGIN IMMEDIATE" : "BEGIN").run();
  const value = execute(session, request);
  session.prepare("COMMIT").run();
  return value;
}
