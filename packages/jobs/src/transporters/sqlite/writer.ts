import { JobsError } from "../../core/errors.ts";
import type { Ears } from "./ears.ts";
import { toWire } from "./errors.ts";
import { answerIdle, execute } from "./operations/dispatch.ts";
import type { FromThread, Reply, Request, ThreadData } from "./protocol.ts";
import type { Session } from "./session.ts";

/** Operations in one commit: bounds how long the first waits for the last. */
const groupMax = 1_000;

/**
 * The file's writer, in a thread of its own. Two states:
 *
 * - free: all operations that wait are executed in one transaction, a savepoint each, committed once and then answered
 *   (group commit: one fsync for 50 producers; nobody is answered before it, L11);
 * - held: an interactive transaction has the connection; its own operations run as they come, the others wait. It ends by
 *   commit, rollback or its time (`transactionMsMax`).
 */
export class Writer {
  readonly #session: Session;
  readonly #data: ThreadData;
  readonly #post: (message: FromThread) => void;
  readonly #ears: Ears;
  readonly #queue: Request[] = [];
  #held: { tx: number; timer: NodeJS.Timeout } | undefined;
  #poisoned: JobsError | undefined;

  constructor(session: Session, data: ThreadData, ears: Ears, post: (message: FromThread) => void) {
    this.#session = session;
    this.#data = data;
    this.#ears = ears;
    this.#post = post;
  }

  /** No transaction has the connection, and the store is this host's. */
  get isFree(): boolean {
    return this.#held === undefined && this.#poisoned === undefined;
  }

  /** From now on every operation is refused with this: another host has the store. */
  poison(error: JobsError): void {
    this.#poisoned = error;
  }

  accept(requests: readonly Request[]): void {
    const replies: Reply[] = [];
    for (const request of requests) {
      if (request.tx !== undefined && request.op !== "begin") this.#inside(request, request.tx, replies);
      else this.#queue.push(request);
    }
    this.#answer(replies);
    this.#pump();
  }

  #answer(replies: Reply[]): void {
    // In an open transaction nothing is ready yet for others: the hint waits for its commit.
    const ready = this.#held === undefined ? [...this.#session.ready] : [];
    if (this.#held === undefined) this.#session.ready.clear();
    if (ready.length > 0) this.#ears.ring(ready);
    if (replies.length > 0) this.#post({ replies, ready });
  }

  #pump(): void {
    while (this.#held === undefined && this.#queue.length > 0) {
      const first = this.#queue[0];
      if (first?.op === "begin") {
        this.#queue.shift();
        this.#begin(first);
        continue;
      }
      const end = this.#queue.findIndex((request) => request.op === "begin");
      const group = this.#queue.splice(0, Math.min(groupMax, end === -1 ? this.#queue.length : end));
      this.#answer(this.#commitGroup(group));
    }
  }

  #commitGroup(group: readonly Request[]): Reply[] {
    if (this.#poisoned !== undefined) return this.#refuse(group, this.#poisoned);
    const { db, ready } = this.#session;
    const idle: Reply[] = [];
    let writing = group;
    try {
      writing = group.filter((request) => {
        const answer = answerIdle(this.#session, request);
        if (answer !== undefined) idle.push({ id: request.id, value: answer.value });
        return answer === undefined;
      });
      if (writing.length === 0) return idle;
      const replies = [...idle];
      this.#statement("BEGIN IMMEDIATE");
      // One alone needs no savepoint: the transaction is its own.
      const only = writing.length === 1 ? writing[0] : undefined;
      if (only !== undefined) replies.push({ id: only.id, value: execute(this.#session, only) });
      else for (const request of writing) replies.push(this.#inSavepoint(request));
      this.#statement("COMMIT");
      return replies;
    } catch (error) {
      if (db.isTransaction) db.exec("ROLLBACK");
      ready.clear();
      this.#session.forget();
      return [...idle, ...this.#refuse(writing, error)];
    }
  }

  /** Throws when SQLite gave up the whole transaction (disk full, I/O): then none of the group is done. */
  #inSavepoint(request: Request): Reply {
    const { db } = this.#session;
    this.#statement("SAVEPOINT op");
    try {
      const value = execute(this.#session, request);
      this.#statement("RELEASE op");
      return { id: request.id, value };
    } catch (error) {
      if (!db.isTransaction) throw error;
      this.#statement("ROLLBACK TO op");
      this.#statement("RELEASE op");
      this.#session.forget();
      return { id: request.id, error: toWire(error, this.#data.path) };
    }
  }

  #statement(sql: string): void {
    this.#session.prepare(sql).run();
  }

  #refuse(requests: readonly Request[], error: unknown): Reply[] {
    return requests.map(({ id }) => ({ id, error: toWire(error, this.#data.path) }));
  }

  #begin(request: Request): void {
    const tx = request.tx ?? request.id;
    try {
      if (this.#poisoned !== undefined) throw this.#poisoned;
      this.#session.db.exec("BEGIN IMMEDIATE");
    } catch (error) {
      this.#answer(this.#refuse([request], error));
      return;
    }
    const timer = setTimeout(() => this.#expire(tx), this.#data.transactionMsMax);
    this.#held = { tx, timer };
    this.#answer([{ id: request.id, value: undefined }]);
  }

  #inside(request: Request, tx: number, replies: Reply[]): void {
    if (this.#held?.tx !== tx) {
      const message = `the transaction has ended (limit ${this.#data.transactionMsMax} ms): keep foreign awaits out of it, then repeat it`;
      replies.push({ id: request.id, error: toWire(new JobsError("transaction_expired", message), this.#data.path) });
      return;
    }
    // The caller may have rolled back to a savepoint of its own.
    this.#session.forget();
    if (request.op !== "commit" && request.op !== "rollback") {
      replies.push(this.#insideOne(request));
      return;
    }
    try {
      this.#session.db.exec(request.op === "commit" ? "COMMIT" : "ROLLBACK");
      if (request.op === "rollback") this.#session.ready.clear();
      replies.push({ id: request.id, value: undefined });
    } catch (error) {
      this.#session.ready.clear();
      replies.push({ id: request.id, error: toWire(error, this.#data.path) });
    }
    this.#release();
  }

  #insideOne(request: Request): Reply {
    // A statement is atomic by itself, and a savepoint around it would end those that the caller sets.
    if (request.op === "query") return this.#insideQuery(request);
    try {
      return this.#inSavepoint(request);
    } catch (error) {
      this.#abandon();
      return { id: request.id, error: toWire(error, this.#data.path) };
    }
  }

  #insideQuery(request: Request): Reply {
    try {
      return { id: request.id, value: execute(this.#session, request) };
    } catch (error) {
      if (!this.#session.db.isTransaction) this.#abandon();
      return { id: request.id, error: toWire(error, this.#data.path) };
    }
  }

  #expire(tx: number): void {
    if (this.#held?.tx !== tx) return;
    this.#abandon();
    this.#post({ expired: tx });
    this.#pump();
  }

  /** Ends what SQLite or the clock has ended: what comes next of it must not commit alone. */
  #abandon(): void {
    this.#session.ready.clear();
    this.#release();
  }

  /** Free again; whatever is left of the transaction is rolled back. */
  #release(): void {
    clearTimeout(this.#held?.timer);
    this.#held = undefined;
    if (this.#session.db.isTransaction) this.#session.db.exec("ROLLBACK");
    this.#session.forget();
  }
}
