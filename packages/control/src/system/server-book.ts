import { hostname } from "node:os";
import { timedId } from "../ids.ts";
import type { Log } from "../options.ts";
import type { PageDatabase } from "../storage/page-tables.ts";
import { iso } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";

const signEveryMs = 15_000;
const keptMs = 60 * 60_000;
/** Those that are shown, the newest first (L14). */
const shownMax = 200;

export interface KnownServer {
  id: string;
  host: string;
  pid: number;
  version: string;
  node: string;
  startedAt: string;
  seenAt: string;
  here: boolean;
}

/** Which server processes there are on this store: each gives a sign of life every 15 s, and is forgotten after an hour without one. */
export class ServerBook {
  readonly #store: Store;
  readonly #version: string;
  readonly #log: Log;
  #mine: { id: string; startedAt: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: { store: Store; version: string; log: Log }) {
    this.#store = parts.store;
    this.#version = parts.version;
    this.#log = parts.log;
  }

  /** By the store's clock, ms since 1970; undefined before `start`. */
  get startedAt(): number | undefined {
    return this.#mine?.startedAt;
  }

  async start(): Promise<void> {
    const startedAt = await this.#store.now();
    this.#mine = { id: timedId("sv", startedAt), startedAt };
    await this.#sign();
    this.#timer = setInterval(() => {
      this.#sign().catch((error: unknown) => this.#log.debug({ err: error }, "no sign of life could be given"));
    }, signEveryMs);
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    const mine = this.#mine;
    this.#mine = undefined;
    if (mine === undefined) return;
    await this.#db
      .deleteFrom("control_server")
      .where("id", "=", mine.id)
      .execute()
      .catch((error: unknown) =>
        this.#log.debug({ err: error }, "this server stays in the list of servers for an hour"),
      );
  }

  /** Newest first. */
  async list(): Promise<KnownServer[]> {
    const rows = await this.#db
      .selectFrom("control_server")
      .selectAll()
      .orderBy("id", "desc")
      .limit(shownMax)
      .execute();
    return rows.map(({ id, host, pid, version, node, started_at: startedAt, seen_at: seenAt }) => ({
      id,
      host,
      pid,
      version,
      node,
      startedAt: iso(Number(startedAt)),
      seenAt: iso(Number(seenAt)),
      here: id === this.#mine?.id,
    }));
  }

  get #db() {
    return this.#store.db.withTables<PageDatabase>();
  }

  async #sign(): Promise<void> {
    const mine = this.#mine;
    if (mine === undefined) return;
    const now = await this.#store.now();
    await this.#db
      .insertInto("control_server")
      .values({
        id: mine.id,
        host: hostname(),
        pid: process.pid,
        version: this.#version,
        node: process.versions.node,
        started_at: mine.startedAt,
        seen_at: now,
      })
      .onConflict((conflict) => conflict.column("id").doUpdateSet({ seen_at: now }))
      .execute();
    await this.#db
      .deleteFrom("control_server")
      .where("seen_at", "<", now - keptMs)
      .execute();
  }
}
