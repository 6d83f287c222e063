import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { postgresMissing, startThrowawayPostgres, type ThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { Client } from "pg";
import { spawnSync } from "node:child_process";
import { BenchError } from "../bench-error.ts";
import type { StoreKind } from "../engines.ts";
import { Guarded } from "./guarded.ts";

/** Durable (`fsync` and `synchronous_commit` stay on), with the buffers of a small real server; else PostgreSQL's own defaults. */
const postgresSettings = {
  shared_buffers: "1GB",
  max_wal_size: "4GB",
  max_connections: "400",
  deadlock_timeout: "1s",
  autovacuum_naptime: "1min",
};
const redisStartMsMax = 10_000;

/** An empty store for one run of one engine. */
export interface Store {
  /** A connection string, or a path. May hold a password: not to be printed. */
  address: string;
  /** Processes whose CPU time is the store's; none where the store lives in the engine's own process. */
  pids: readonly number[];
  /** Drops it. */
  drop(): Promise<void>;
}

/** The servers of a benchmark, each started when first needed, all ended by `stop`. */
export class Stores {
  readonly #folder = mkdtempSync(join(tmpdir(), "provost-bench-"));
  #postgres: ThrowawayPostgres | undefined;
  readonly #redis = new Map<StoreKind, { port: number; server: Guarded }>();
  #made = 0;

  /** @throws BenchError `store_missing`: the server is not installed. */
  async fresh(kind: StoreKind): Promise<Store> {
    this.#made += 1;
    if (kind === "postgres") return await this.#database(`bench_${this.#made}`);
    if (kind === "sqlite") {
      const folder = mkdtempSync(join(this.#folder, "sqlite-"));
      const drop = async (): Promise<void> => rmSync(folder, { recursive: true, force: true });
      return { address: join(folder, "jobs.db"), pids: [], drop };
    }
    return await this.#emptyRedis(kind);
  }

  async stop(): Promise<void> {
    for (const { server } of this.#redis.values()) await server.stop();
    await this.#postgres?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #database(name: string): Promise<Store> {
    const missing = postgresMissing();
    if (missing !== undefined) throw new BenchError("store_missing", `${missing}: apt-get install postgresql`);
    this.#postgres ??= await startThrowawayPostgres({ settings: postgresSettings });
    const server = this.#postgres;
    await onServer(server, `CREATE DATABASE ${name}`);
    // What earlier runs have left to write is not this one's to wait for.
    await onServer(server, "CHECKPOINT");
    const url = new URL(server.url);
    url.pathname = `/${name}`;
    const drop = async (): Promise<void> => await onServer(server, `DROP DATABASE ${name} WITH (FORCE)`);
    return { address: url.href, pids: [postmasterOf(server)], drop };
  }

  async #emptyRedis(kind: StoreKind): Promise<Store> {
    const found = this.#redis.get(kind) ?? (await this.#startRedis(kind === "redis-always" ? "always" : "everysec"));
    this.#redis.set(kind, found);
    const { port, server } = found;
    redisCli(port, "FLUSHALL", "SYNC");
    return { address: `redis://127.0.0.1:${port}`, pids: [server.pid], drop: async () => undefined };
  }

  async #startRedis(appendfsync: string): Promise<{ port: number; server: Guarded }> {
    if (spawnSync("redis-server", ["--version"]).status !== 0) {
      throw new BenchError("store_missing", "no redis-server on PATH: apt-get install redis-server");
    }
    const folder = mkdtempSync(join(this.#folder, "redis-"));
    const port = await freePort();
    const settings = { port: String(port), bind: "127.0.0.1", save: "", appendonly: "yes", appendfsync, dir: folder };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const server = new Guarded(["redis-server", ...args, "--maxmemory-policy", "noeviction"], folder);
    for (const end = performance.now() + redisStartMsMax; redisCli(port, "PING") !== "PONG"; await sleep(20)) {
      if (server.hasEnded || performance.now() > end) {
        await server.stop();
        throw new BenchError("not_ended", `redis-server does not answer on port ${port} after ${redisStartMsMax} ms`);
      }
    }
    return { port, server };
  }
}

function redisCli(port: number, ...command: string[]): string {
  const { stdout } = spawnSync("redis-cli", ["-p", String(port), ...command], { encoding: "utf8" });
  return stdout.trim();
}

async function onServer(server: ThrowawayPostgres, statement: string): Promise<void> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** The first line of its lock file is the server's process. */
function postmasterOf({ folder }: ThrowawayPostgres): number {
  return Number(readFileSync(join(folder, "data", "postmaster.pid"), "utf8").split("\n")[0]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address === "object" && address !== null) return address.port;
  throw new BenchError("not_ended", "the system gave no free port");
}
