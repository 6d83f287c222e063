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
  Transporter,
  TransporterCapabilities,
  Tx,
} from "../transporter.ts";
import { ClockOffset } from "../clock-offset.ts";
import type { LeaderSeat, ScheduleStore } from "../schedules.ts";
import type { QueueStore } from "../queues.ts";
import { Connections } from "./connections.ts";
import type { KeepingStore } from "../keeping.ts";
import type { BrowseStore } from "../browse.ts";
import type { LogStore } from "../logs.ts";
import type { MinuteStore } from "../minutes.ts";
import type { SightStore } from "../sight.ts";
import { PostgresBrowse } from "./browse.ts";
import { asStoreError } from "./failures.ts";
import type { MemoryStore, PermitStore } from "../permits.ts";
import { checkBatch, checkItems } from "../bounds.ts";
import { FlowValues, isPlainFlow } from "./flow-values.ts";
import { Gatherer } from "./gatherer.ts";
import { idText } from "./ids.ts";
import { LowWater } from "./low-water.ts";
import { migrate } from "./migrate.ts";
import { Notifier } from "./notifier.ts";
import { type PostgresOptions, type PostgresSettings, settingsOf } from "./options.ts";
import {
  EnqueuePayload,
  type EnqueueTexts,
  enqueueTexts,
  isPlain,
  plainValues,
  readyQueuesOf,
  singleValues,
} from "./payload.ts";
import { Reader } from "./reader.ts";
import { type RenewerOptions, renewOn } from "./renewer.ts";
import { PostgresQueues } from "./queues.ts";
import { claimedLine, claimedOf, type ClaimedRow, moreIn, reasonOf, toAmendResult, toExpired } from "./rows.ts";
import { type Call, postgresLeader, postgresSchedules } from "./schedules.ts";
import { checkParameters, inspectServer, type Parameter } from "./server.ts";
import { memoryOf, permitsOf } from "./shared.ts";
import { type Refusal, refused, settlementValues } from "./settlements.ts";
import { PostgresSight } from "./sight.ts";
import { PostgresWatch } from "./watch.ts";
import { inSavepoint, inTransaction, runSql, stateOf } from "./tx.ts";

/** In a checkout a thread runs it from TypeScript, in an installed package from what was built. */
const renewerUrl = new URL(import.meta.url.endsWith(".ts") ? "./renewer.ts" : "./renewer.js", import.meta.url);

/** A migration may have to rewrite the rows of millions of jobs: `queryTimeoutMs` is no bound for that. */
const migrateMsMax = 600_000;

/** What a function that adds is given; `queues`: where jobs become ready at once. */
type Added = { values: unknown[]; queues: Set<string> };
type Existing = { item: number; ids: string[]; flow: string | null; replaced: boolean }[];

/**
 * PostgreSQL 14 or later. Every method is one call of a function in the deployment's schema: one round trip, one act. What
 * each does and why is said beside its SQL (`sql/`).
 */
export class PostgresTransporter implements Transporter {
  readonly #settings: PostgresSettings;
  readonly #schema: string;
  readonly #connections: Connections;
  readonly #notifier: Notifier;
  readonly #reader: Reader;
  readonly #lowWater: LowWater;
  readonly #texts: EnqueueTexts;
  readonly #jobGatherer = new Gatherer((items) => this.#enqueueByShape(items));
  readonly #flowGatherer = new Gatherer((items) => this.#enqueueByShape(items));
  readonly sight: SightStore;
  readonly keeping: KeepingStore;
  readonly browse: BrowseStore;
  readonly minutes: MinuteStore;
  readonly logs: LogStore;
  readonly queues: QueueStore;
  readonly sql: SqlAccess;
  readonly schedules: ScheduleStore;
  readonly leader: LeaderSeat;
  readonly permits: PermitStore;
  readonly memory: MemoryStore;
  #capabilities: TransporterCapabilities = {
    durableAck: true,
    lossWindowMs: 0,
    transactions: true,
    manyHosts: true,
    sql: "postgres",
  };
  #parameters: readonly Parameter[] = [];
  readonly #clockOffset = new ClockOffset();
  #starting: Promise<void> | undefined;

  constructor(settings: PostgresSettings) {
    this.#settings = settings;
    this.#schema = `"${settings.schema}"`;
    this.#texts = enqueueTexts(this.#schema);
    this.#connections = new Connections(settings);
    this.#notifier = new Notifier(this.#connections, settings.schema);
    this.#reader = new Reader(this.#connections, this.#schema);
    this.#lowWater = new LowWater(this.#connections, this.#schema, settings.lowWaterJobs);
    const sight = new PostgresSight(this.#connections, this.#schema, () => this.#clockOffset.ms);
    this.sight = sight;
    this.keeping = sight;
    this.browse = new PostgresBrowse(this.#connections, this.#schema);
    const watch = new PostgresWatch(this.#connections, this.#schema, () => this.#clockOffset.ms);
    ({ minutes: this.minutes, logs: this.logs } = watch);
    this.permits = permitsOf((text, values) => this.#query(text, values), this.#schema);
    this.memory = memoryOf((text, values) => this.#query(text, values), this.#schema);
    const call: Call = (text, values, options) => this.#query(text, values, options);
    this.schedules = postgresSchedules(this.#schema, call);
    this.leader = postgresLeader(this.#schema, call);
    this.queues = new PostgresQueues(this.#schema, call);
    this.sql = {
      query: async (sql, params) => {
        const lent = await this.#connections.lend();
        let broken = true;
        try {
          const result = await runSql(lent.client, sql, params);
          broken = false;
          return result;
        } finally {
          lent.giveBack(broken);
        }
      },
      transaction: (fn) => inTransaction(this.#connections, fn, (queues) => this.#notifier.ring(queues)),
    };
  }

  /** `durableAck` is known after `start`: a server with `fsync` off cannot promise it (L11). */
  get capabilities(): TransporterCapabilities {
    return this.#capabilities;
  }

  async start(): Promise<void> {
    this.#starting ??= this.#open().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    await this.#starting;
  }

  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#notifier.stop();
    await this.#connections.close();
    this.#starting = undefined;
  }

  get remote(): RemoteRenewal {
    const { client: _, ...store } = this.#settings;
    const options: RenewerOptions = { store, parameters: this.#parameters, clockOffset: this.#clockOffset.buffer };
    return { module: renewerUrl.href, options };
  }

  async now(): Promise<number> {
    const rows = await this.#query<{ now: string }>(`SELECT ${this.#schema}.now_ms($1) AS now`, []);
    return Number(rows[0]?.now);
  }

  setClockOffset(offsetMs: number): void {
    this.#clockOffset.ms = offsetMs;
  }

  async enqueue(items: NewItem[], options?: { tx?: Tx }): Promise<Enqueued[]> {
    if (items.length === 0) return [];
    const many = items.every(isPlain) ? this.#jobGatherer : items.every(isPlainFlow) ? this.#flowGatherer : undefined;
    if (many === undefined) return await this.#enqueueAny(items, options);
    checkItems(items);
    return options?.tx === undefined ? await many.enqueue(items) : await this.#enqueueByShape(items, options);
  }

  /** Plain jobs, or plain flows, of few shapes; else as any. */
  async #enqueueByShape(items: NewItem[], options?: { tx?: Tx }): Promise<Enqueued[]> {
    const flows = FlowValues.of(items);
    if (flows !== undefined) return flows.results(await this.#add("flows", flows, options));
    const one = singleValues(items);
    const values = one ?? plainValues(items);
    if (values === undefined) return await this.#enqueueAny(items, options);
    const ids = await this.#add(one ? "one" : "plain", { values, queues: readyQueuesOf(items) }, options);
    return ids.map((id) => ({ state: "added", ids: [id] }));
  }

  /** One call of a function that adds, with the hint in it where one is due; the new ids. */
  async #add(kind: keyof EnqueueTexts, { values, queues }: Added, options?: { tx?: Tx }): Promise<string[]> {
    const { alone, hinting } = this.#texts[kind];
    const isQuick = kind === "one";
    const hint = options?.tx === undefined ? this.#notifier.hintWithin(queues, { isQuick }) : undefined;
    let rows: { ids: string }[];
    if (hint === undefined) {
      rows = await this.#query(alone, values, { ...options, ready: () => queues, prepared: true });
    } else {
      const all = [...values, this.#clockOffset.ms, ...hint.values];
      try {
        rows = await this.#connections.query(hinting, all, { prepared: true });
      } catch (error) {
        hint.undone();
        throw error;
      }
      this.#notifier.tell([...queues]);
    }
    return rows.flatMap(({ ids }) => ids.split(","));
  }

  async #enqueueAny(items: NewItem[], options?: { tx?: Tx }): Promise<Enqueued[]> {
    const payload = new EnqueuePayload(items);
    const rows = await this.#query<{ ids: string[]; existing: Existing | null }>(
      `SELECT * FROM ${this.#schema}.enqueue($1, $2, $3, $4, $5, NULL, $6)`,
      payload.values,
      { ...options, ready: () => payload.queues },
    );
    return payload.results(rows[0]?.ids ?? [], rows[0]?.existing ?? []);
  }

  async claim(requests: ClaimRequest[], manager: string): Promise<Claimed[]> {
    const asked = requests.filter(({ limit, names }) => limit > 0 && names.length > 0);
    if (asked.length === 0) return [];
    checkBatch(
      "claimed jobs",
      asked.reduce((sum, { limit }) => sum + limit, 0),
    );
    const lines = await this.#connections.lines(`SELECT ${claimedLine} FROM ${this.#schema}.claim($1, $2, $3)`, [
      JSON.stringify(
        asked.map((request) => ({ ...request, parts: this.#lowWater.parts(request.queue, request.lane) })),
      ),
      manager,
      this.#clockOffset.ms,
    ]);
    const claimed: Claimed[] = [];
    const more: string[] = [];
    for (const line of lines) {
      const queue = moreIn(line);
      if (queue === undefined) claimed.push(claimedOf(line, claimed.at(-1)));
      else more.push(queue);
    }
    this.#notifier.ring(more);
    this.#lowWater.claimed(claimed);
    return claimed;
  }

  async settle(settlements: Settlement[]): Promise<SettleResult[]> {
    if (settlements.length === 0) return [];
    checkBatch("settlements", settlements.length);
    const { values, queues } = settlementValues(settlements);
    const rows = await this.#query<{ refused: Refusal[] | null; queues: string[] | null }>(
      `SELECT * FROM ${this.#schema}.settle($1, $2, $3, $4, $5, $6, $7, $8)`,
      values,
      { ready: (found) => [...(found.queues ?? []), ...queues], prepared: true },
    );
    const results: SettleResult[] = settlements.map(() => ({ state: "applied" }));
    for (const refusal of rows[0]?.refused ?? []) results[refusal.place] = refused(refusal);
    return results;
  }

  async renew(leases: Lease[]): Promise<RenewState[]> {
    if (leases.length === 0) return [];
    checkBatch("leases", leases.length);
    return await renewOn(this.#connections, this.#schema, leases, this.#clockOffset.ms);
  }

  async expired(limit: number): Promise<ExpiredClaim[]> {
    checkBatch("expired claims", limit);
    const rows = await this.#query<ClaimedRow>(`SELECT * FROM ${this.#schema}.expired($1, $2)`, [limit]);
    return rows.map(toExpired);
  }

  async promote(limit: number): Promise<{ promoted: number; nextInMs?: number }> {
    const rows = await this.#query<{ promoted: number; next_in_ms: string | null; queues: string[] | null }>(
      `SELECT * FROM ${this.#schema}.promote($1, $2)`,
      [limit],
      { ready: (found) => found.queues ?? [] },
    );
    const { promoted = 0, next_in_ms: next = null } = rows[0] ?? {};
    return next === null ? { promoted } : { promoted, nextInMs: Number(next) };
  }

  async wake(keys: string[], options?: { tx?: Tx }): Promise<number> {
    if (keys.length === 0) return 0;
    checkBatch("wake keys", keys.length);
    const rows = await this.#query<{ met: number; queues: string[] }>(
      `SELECT * FROM ${this.#schema}.wake($1, $2)`,
      [keys],
      {
        ...options,
        ready: (found) => found.queues,
      },
    );
    return rows[0]?.met ?? 0;
  }

  async amend(ids: JobId[], change: Change, options?: { tx?: Tx }): Promise<AmendResult[]> {
    if (ids.length === 0) return [];
    checkBatch("jobs", ids.length);
    const priority = change.kind === "priority" ? change.priority : null;
    const descendants = "descendants" in change && change.descendants;
    const rows = await this.#query<{ results: string[]; below: number[] | null; queues: string[] }>(
      `SELECT * FROM ${this.#schema}.amend($1, $2, $3, $4, $5, $6)`,
      [ids.map(idText), change.kind, priority, reasonOf(change), descendants],
      { ...options, ready: (found) => found.queues },
    );
    const below = rows[0]?.below ?? [];
    return (rows[0]?.results ?? []).map((text, index) => toAmendResult(text, below[index] ?? null));
  }

  async get(ids: JobId[]): Promise<Job[]> {
    return await this.#reader.get(ids);
  }

  async list(query: JobQuery): Promise<Job[]> {
    return await this.#reader.list(query);
  }

  async attempts(id: JobId): Promise<Attempt[]> {
    return await this.#reader.attempts(id);
  }

  async flow(id: JobId): Promise<Flow | undefined> {
    return await this.#reader.flow(id);
  }

  onReady(listener: (queues: string[]) => void): () => void {
    return this.#notifier.subscribe(listener);
  }

  onDeaf(listener: () => void): () => void {
    return this.#notifier.onDeaf(listener);
  }

  async #open(): Promise<void> {
    const client = this.#connections.client({ query_timeout: migrateMsMax });
    try {
      await client.connect();
      const { parameters, durableAck, lossWindowMs } = await inspectServer(client);
      await migrate(client, this.#settings.schema);
      this.#capabilities = { ...this.#capabilities, durableAck, lossWindowMs };
      this.#parameters = parameters;
      this.#connections.open(parameters);
      await checkParameters(this.#connections, parameters);
      this.#notifier.start();
    } catch (error) {
      await this.#connections.close();
      throw asStoreError(error);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /**
   * Calls a function of the schema; the clock's offset is its last argument. `ready` names the queues in which its rows say
   * that jobs are ready: rung after the commit, or with the commit of the caller's own transaction.
   */
  async #query<R extends object>(
    text: string,
    values: unknown[],
    {
      tx,
      ready = () => [],
      prepared = false,
    }: { tx?: Tx; ready?: (row: R) => Iterable<string>; prepared?: boolean } = {},
  ): Promise<R[]> {
    const all = [...values, this.#clockOffset.ms];
    if (tx === undefined) {
      const rows = await this.#connections.query<R>(text, all, { prepared });
      this.#notifier.ring(rows.flatMap((row) => [...ready(row)]));
      return rows;
    }
    const state = stateOf(tx, this.#connections);
    const rows = await inSavepoint<R>(state.client, text, all);
    const queues = new Set(rows.flatMap((row) => [...ready(row)]));
    for (const queue of queues) state.ready.add(queue);
    if (state.owner === undefined) {
      for (const { text: notify, values: hint } of this.#notifier.hintsIn(queues))
        await inSavepoint(state.client, notify, hint);
    }
    return rows;
  }
}

/**
 * A Transporter on PostgreSQL 14 or later: a connection string, or options.
 *
 * @throws JobsError `invalid_options`; its `start` throws `store_unavailable`, `store_unsupported`, `migration_failed`.
 */
export function postgres(options: string | PostgresOptions): PostgresTransporter {
  return new PostgresTransporter(settingsOf(options));
}
