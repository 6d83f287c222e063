import { JobsError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Attempt, Flow, Job, JobId } from "../../core/job.ts";
import type {
  AmendResult,
  Change,
  Claimed,
  ClaimRequest,
  Enqueued,
  ExpiredClaim,
  JobQuery,
  Lease,
  NewItem,
  RemoteRenewal,
  RenewState,
  Settlement,
  SettleResult,
  SqlAccess,
  SqlResult,
  Transporter,
  TransporterCapabilities,
  Tx,
} from "../transporter.ts";
import { ClockOffset } from "../clock-offset.ts";
import { Bell } from "../../memory/bell.ts";
import type { MemoryStore, PermitStore } from "../permits.ts";
import type { LeaderSeat, ScheduleStore } from "../schedules.ts";
import { checkBatch, checkItems, checkPayload } from "../bounds.ts";
import type { QueueStore } from "../queues.ts";
import { ThreadChannel } from "./channel.ts";
import { queuesIn } from "./ears.ts";
import { isReadonlyRefusal } from "./errors.ts";
import { checkLocation, thisHost } from "./location.ts";
import { amend } from "./operations/amend.ts";
import { enqueue } from "./operations/enqueue.ts";
import { unpacked } from "./operations/items.ts";
import { claimedOf } from "./operations/told.ts";
import { wake } from "./operations/wake.ts";
import { remoteOf } from "./remote.ts";
import type { KeepingStore } from "../keeping.ts";
import type { ProgressReport, SightStore } from "../sight.ts";
import type { OperationName, Operations, ThreadData } from "./protocol.ts";
import { type Ask, sqliteLeader, sqliteSchedules } from "./schedules.ts";
import type { Session } from "./session.ts";
import { sent } from "./settlements.ts";
import { memoryOf, permitsOf } from "./shared.ts";
import { HandleTx, WriterTx } from "./tx.ts";
import type { BrowseStore } from "../browse.ts";
import type { LogStore } from "../logs.ts";
import type { MinuteStore } from "../minutes.ts";
import { sqliteBrowse, sqliteLogs, sqliteMinutes } from "./watch.ts";

/** How the SQLite Transporter works. */
export interface SqliteOptions {
  /** How long a write waits for another process on the file before `store_unavailable`. 5,000 ms. */
  busyTimeoutMs?: number;
  /** How often other processes' commits are looked for while somebody listens (`onReady`), should their hints be lost. 100 ms. */
  pollMs?: number;
  /** Shortens `limits.transactionMsMax` for this store. */
  transactionMsMax?: number;
}

const reads = /^\s*(?:select|with|values|explain|pragma)\b/i;

/** Jobs in an SQLite file of this host: a writer thread with group commit, a reader thread beside it. */
export class SqliteTransporter implements Transporter {
  readonly capabilities: TransporterCapabilities = {
    durableAck: true,
    lossWindowMs: 0,
    transactions: true,
    manyHosts: false,
    sql: "sqlite",
  };
  readonly queues: QueueStore;
  readonly sql: SqlAccess;
  readonly schedules: ScheduleStore;
  readonly leader: LeaderSeat;
  readonly permits: PermitStore;
  readonly memory: MemoryStore;
  readonly sight: SightStore;
  readonly browse: BrowseStore;
  readonly minutes: MinuteStore;
  readonly logs: LogStore;
  readonly keeping: KeepingStore;
  readonly #path: string;
  readonly #options: Required<SqliteOptions>;
  readonly #listeners = new Set<(queues: string[]) => void>();
  /** Heard on this event loop: before a slot that frees up later begins its next job. */
  readonly #bell = new Bell((hint) => this.#hint(queuesIn(hint)));
  readonly #expiries = new Map<number, (error: Error) => void>();
  readonly #clockOffset = new ClockOffset();
  #nextTx = 1;
  #writer: ThreadChannel | undefined;
  #reader: ThreadChannel | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(path: string, options: SqliteOptions = {}) {
    this.#path = path;
    this.#options = {
      busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
      pollMs: options.pollMs ?? 100,
      transactionMsMax: Math.min(options.transactionMsMax ?? limits.transactionMsMax, limits.transactionMsMax),
    };
    this.sight = {
      counts: () => this.#read("counts", []),
      stages: (flowId) => this.#read("stages", [flowId]),
      beat: (manager, ttlMs) => this.#write("beat", [manager, ttlMs]),
      ask: (manager, asked) => this.#write("ask", [manager, asked]),
      leave: (manager) => this.#write("leave", [manager]),
      managers: () => this.#read("managers", []),
      reportProgress: (reports) => this.#reportProgress(reports),
      progress: (id) => this.#read("progress", [id]),
    };
    this.keeping = {
      prune: (kept, limit) => this.#write("prune", [kept, Math.min(limit, limits.batchJobsMax)]),
    };
    const read: Ask = (op, args) => this.#read(op, args);
    const write: Ask = (op, args) => this.#write(op, args);
    this.schedules = sqliteSchedules(read, write);
    this.leader = sqliteLeader(read, write);
    this.browse = sqliteBrowse(read);
    this.minutes = sqliteMinutes(read, write);
    this.logs = sqliteLogs(read, write);
    this.queues = {
      configure: async (queue, change) => this.#write("configure", [queue, change]),
      list: async () => this.#read("queues", []),
    };
    this.sql = {
      query: (sql, params = []) => this.#query(sql, params),
      transaction: (fn) => this.#transaction(fn),
    };
    this.permits = permitsOf((op, args) => this.#write(op, args));
    this.memory = memoryOf(
      (op, args) => this.#read(op, args),
      (op, args) => this.#write(op, args),
    );
  }

  start(): Promise<void> {
    this.#starting ??= this.#open().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async #open(): Promise<void> {
    await this.#stopping;
    const base = { path: checkLocation(this.#path), host: thisHost(), ...this.#options };
    const events = {
      onReady: (queues: string[]) => this.#hint(queues),
      onExpired: (tx: number) => this.#expire(tx),
    };
    const open = (role: ThreadData["role"]): Promise<ThreadChannel> => ThreadChannel.open({ role, ...base }, events);
    const opened = await Promise.allSettled([open("writer"), open("reader")]);
    const refused = opened.find((each) => each.status === "rejected");
    const [writer, reader] = opened.map((each) => (each.status === "fulfilled" ? each.value : undefined));
    if (refused !== undefined) {
      // Neither stays open without the other.
      await Promise.all([writer?.close(), reader?.close()]);
      throw refused.reason;
    }
    this.#writer = writer;
    this.#reader = reader;
    await this.#listen();
  }

  async stop(): Promise<void> {
    this.#stopping ??= this.#close().finally(() => {
      this.#stopping = undefined;
    });
    await this.#stopping;
  }

  async #close(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    const channels = [this.#reader, this.#writer];
    this.#starting = undefined;
    this.#reader = undefined;
    this.#writer = undefined;
    this.#bell.close();
    // The writer last: the last connection to close folds the WAL into the file.
    for (const channel of channels) await channel?.close();
  }

  get remote(): RemoteRenewal {
    return remoteOf({
      path: checkLocation(this.#path),
      busyTimeoutMs: this.#options.busyTimeoutMs,
      clockOffset: this.#clockOffset.buffer,
    });
  }

  async now(): Promise<number> {
    return Date.now() + this.#clockOffset.ms;
  }

  setClockOffset(offsetMs: number): void {
    this.#clockOffset.ms = offsetMs;
  }

  async enqueue(items: NewItem[], { tx }: { tx?: Tx } = {}): Promise<Enqueued[]> {
    checkItems(items);
    if (items.length === 0) return [];
    return unpacked(await this.#joining("enqueue", [items], tx, (session) => enqueue(session, items)));
  }

  async claim(requests: ClaimRequest[], manager: string): Promise<Claimed[]> {
    checkBatch(
      "claim",
      requests.reduce((sum, request) => sum + Math.max(0, request.limit), 0),
    );
    return claimedOf(await this.#write("claim", [requests, manager]));
  }

  async settle(settlements: Settlement[]): Promise<SettleResult[]> {
    checkBatch("settle", settlements.length);
    for (const { id, outcome } of settlements) {
      if (outcome.kind !== "processed") continue;
      checkPayload(`${id} (result)`, outcome.result);
      if (outcome.enqueue !== undefined) checkItems(outcome.enqueue);
    }
    const { results, ...batch } = sent(settlements);
    return results(await this.#write("settle", [batch]));
  }

  async renew(leases: Lease[]): Promise<RenewState[]> {
    checkBatch("renew", leases.length);
    return this.#write("renew", [leases]);
  }

  async expired(limit: number): Promise<ExpiredClaim[]> {
    checkBatch("expired", limit);
    return this.#read("expired", [limit]);
  }

  async promote(limit: number): Promise<{ promoted: number; nextInMs?: number }> {
    checkBatch("promote", limit);
    return this.#write("promote", [limit]);
  }

  async wake(keys: string[], { tx }: { tx?: Tx } = {}): Promise<number> {
    checkBatch("wake", keys.length);
    return this.#joining("wake", [keys], tx, (session) => wake(session, keys));
  }

  async amend(ids: JobId[], change: Change, { tx }: { tx?: Tx } = {}): Promise<AmendResult[]> {
    checkBatch("amend", ids.length);
    return this.#joining("amend", [ids, change], tx, (session) => amend(session, ids, change));
  }

  async get(ids: JobId[]): Promise<Job[]> {
    checkBatch("get", ids.length);
    return this.#read("get", [ids]);
  }

  async list(query: JobQuery): Promise<Job[]> {
    checkBatch("list", query.limit);
    return this.#read("list", [query]);
  }

  async attempts(id: JobId): Promise<Attempt[]> {
    return this.#read("attempts", [id]);
  }

  async flow(id: JobId): Promise<Flow | undefined> {
    return this.#read("flow", [id]);
  }

  async #reportProgress(reports: ProgressReport[]): Promise<void> {
    checkBatch("progress", reports.length);
    if (reports.length > 0) await this.#write("reportProgress", [reports]);
  }

  onReady(listener: (queues: string[]) => void): () => void {
    // Its own identity, so that a function that listens twice is also told twice.
    const own = (queues: string[]): void => listener(queues);
    this.#listeners.add(own);
    if (this.#listeners.size === 1) void this.#listen();
    return () => {
      if (!this.#listeners.delete(own) || this.#listeners.size > 0) return;
      this.#writer?.listen({ on: false });
      this.#bell.close();
    };
  }

  async #listen(): Promise<void> {
    const writer = this.#writer;
    if (writer === undefined || this.#listeners.size === 0) return;
    const ear = await this.#bell.address();
    if (this.#writer === writer && this.#listeners.size > 0) writer.listen({ on: true, ear });
  }

  #hint(queues: string[]): void {
    for (const listener of this.#listeners) listener(queues);
  }

  #write<K extends OperationName>(op: K, args: Operations[K]["args"], tx?: number): Promise<Operations[K]["result"]> {
    if (this.#writer === undefined) throw this.#stopped();
    return this.#writer.request(op, args, this.#clockOffset.ms, tx);
  }

  #read<K extends OperationName>(op: K, args: Operations[K]["args"]): Promise<Operations[K]["result"]> {
    if (this.#reader === undefined) throw this.#stopped();
    return this.#reader.request(op, args, this.#clockOffset.ms);
  }

  #stopped(): JobsError {
    return new JobsError("store_stopped", `the store ${this.#path} is not running: start() it first`);
  }

  async #joining<K extends "enqueue" | "wake" | "amend">(
    op: K,
    args: Operations[K]["args"],
    tx: Tx | undefined,
    direct: (session: Session) => Operations[K]["result"],
  ): Promise<Operations[K]["result"]> {
    if (tx === undefined) return this.#write(op, args);
    if (tx instanceof HandleTx) return tx.run(this.#path, this.#clockOffset.ms, direct);
    if (tx instanceof WriterTx && tx.owner === this) return this.#write(op, args, tx.number);
    throw new JobsError(
      "transaction_foreign",
      `${op}: the transaction is not of this store (${this.#path}): take one from its sql.transaction, or fromDatabaseSync`,
    );
  }

  /** The reader first where the statement looks like a read; what turns out to write is refused there and goes to the writer. */
  async #query(sql: string, params: readonly unknown[]): Promise<SqlResult> {
    if (!reads.test(sql)) return this.#write("query", [sql, params]);
    try {
      return await this.#read("query", [sql, params]);
    } catch (error) {
      if (!isReadonlyRefusal(error)) throw error;
      return this.#write("query", [sql, params]);
    }
  }

  async #transaction<T>(fn: (tx: Tx) => Promise<T>): Promise<T> {
    const number = this.#nextTx++;
    const expired = new Promise<never>((_, reject) => {
      this.#expiries.set(number, reject);
    });
    expired.catch(() => undefined);
    try {
      await this.#write("begin", [], number);
      const tx = new WriterTx(this, number, (sql, params) => this.#write("query", [sql, params], number));
      try {
        const result = await Promise.race([fn(tx), expired]);
        await this.#write("commit", [], number);
        return result;
      } catch (error) {
        // Of a transaction that has ended by itself this is refused, which is as good.
        await this.#write("rollback", [], number).catch(() => undefined);
        throw error;
      }
    } finally {
      this.#expiries.delete(number);
    }
  }

  #expire(tx: number): void {
    const limit = this.#options.transactionMsMax;
    const message = `the transaction was rolled back after ${limit} ms: it held the only writer of ${this.#path}; keep foreign awaits out of it`;
    this.#expiries.get(tx)?.(new JobsError("transaction_expired", message));
  }
}
