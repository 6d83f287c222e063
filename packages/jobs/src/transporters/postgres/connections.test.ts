import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { Client } from "pg";
import { afterEach, describe, expect, it, vi } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import { JobsError } from "../../core/errors.ts";
import type { NewJob } from "../transporter.ts";
import { postgres, type PostgresTransporter } from "./index.ts";

const job: NewJob = {
  name: "work",
  queue: "q",
  lane: "short",
  input: "{}",
  priority: 100,
  attempts: 3,
  timeoutMs: 60_000,
  delayMs: 0,
};

/** FATAL 57P01, as a server sends it whose main process is gone. */
const fields = Buffer.from("SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0");
const fatal = Buffer.concat([Buffer.from("E"), Buffer.alloc(4), fields]);
fatal.writeInt32BE(fields.length + 4, 1);
const readyForQuery = Buffer.from("Z\0\0\0\u0005I", "latin1");

describe("PostgreSQL: options", () => {
  it.each([
    ["", "is missing"],
    ["mysql://u:secret@h/db", "mysql:"],
    ["u:secret@h/db", "connection string"],
    ["postgres://u:secret@h:99999/db", "connection string"],
    ["postgres://u:secret@[::bad/db", "cannot be read"],
  ])("L14 a connection string that is none is refused without repeating it: %s", (text, problem) => {
    const error = thrown(() => postgres(text));
    expect(error.code).toBe("invalid_options");
    expect(error.message).toContain(problem);
    expect(error.message).not.toContain("secret");
  });

  it.each([{ schema: 'x"; DROP' }, { schema: "pg_jobs" }, { poolMax: 0 }, { queryTimeoutMs: 0.5 }])(
    "L14 options out of bounds are refused with the value: %o",
    (more) => {
      const error = thrown(() => postgres({ connectionString: "postgres://u@h/db", ...more }));
      expect(error.code).toBe("invalid_options");
      expect(error.message).toContain(String(Object.values(more)[0]).slice(0, 1));
    },
  );
});

describe.skipIf(skipReason !== undefined)("PostgreSQL: connections that fail", () => {
  const test = new TestServer();
  const opened: PostgresTransporter[] = [];

  async function open(schema = test.freshSchema()): Promise<PostgresTransporter> {
    const transporter = test.transporter(schema);
    opened.push(transporter);
    await transporter.start();
    return transporter;
  }

  async function admin(...statements: string[]): Promise<void> {
    const client = new Client({ connectionString: test.server.url });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  /** The error of a start with another connection string. */
  async function refusal(change: (url: URL) => void, schema = "refused"): Promise<JobsError> {
    const url = new URL(test.server.url);
    change(url);
    const transporter = postgres({ connectionString: url.href, schema, connectTimeoutMs: 5_000 });
    const error = await transporter.start().catch((reason: unknown) => reason);
    await transporter.stop();
    return error instanceof JobsError ? error : expect.unreachable(`no JobsError: ${String(error)}`);
  }

  afterEach(async () => {
    for (const transporter of opened.splice(0)) await transporter.stop();
  });

  it("wrong password, user, database, host and port are told apart, on one line, with the way out and without the password", async () => {
    const wrong = await refusal((url) => (url.password = "not-the-password"));
    expect(`${wrong.code}: ${wrong.message}`).toMatch(/^store_unavailable: .*password .*check the user and password/);
    const database = await refusal((url) => (url.pathname = "/nowhere"));
    expect(`${database.code}: ${database.message}`).toMatch(/^store_unavailable: .*nowhere.*create the database/);
    const port = await refusal((url) => (url.port = "1"));
    expect(`${port.code}: ${port.message}`).toMatch(/^store_unavailable: .*ECONNREFUSED.*host and port/);
    const host = await refusal((url) => (url.hostname = "no-such-host.invalid"));
    expect(`${host.code}: ${host.message}`).toMatch(/^store_unavailable: .*host's name/);
    for (const { message } of [wrong, database, port, host]) {
      expect(message).not.toContain("\n");
      expect(message).not.toContain("not-the-password");
      expect(message).not.toContain(test.server.password);
    }
  });

  it("a user without rights and a database that is not UTF-8 are refused with the way out", async () => {
    await admin(
      "CREATE ROLE poor LOGIN PASSWORD 'poor'",
      "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'",
    );
    const poor = await refusal((url) => {
      url.username = "poor";
      url.password = "poor";
    });
    expect(`${poor.code}: ${poor.message}`).toMatch(/^store_unavailable: .*permission denied.*grant/);
    const latin = await refusal((url) => (url.pathname = "/latin"));
    expect(`${latin.code}: ${latin.message}`).toMatch(/^store_unsupported: .*LATIN1.*UTF8/);
  });

  it("a schema made by a newer release is refused and left alone", async () => {
    await admin(
      "CREATE SCHEMA newer",
      "CREATE TABLE newer.migration (version integer PRIMARY KEY, name text NOT NULL)",
      "INSERT INTO newer.migration VALUES (999, 'later')",
    );
    const error = await refusal(() => undefined, "newer");
    expect(`${error.code}: ${error.message}`).toMatch(/^store_unsupported: .*999.*upgrade/);
  });

  it("L11 where the database has synchronous_commit off and another isolation, its connections have neither", async () => {
    await admin(
      "CREATE DATABASE lax",
      "ALTER DATABASE lax SET synchronous_commit = off",
      "ALTER DATABASE lax SET default_transaction_isolation = 'serializable'",
    );
    const url = new URL(test.server.url);
    url.pathname = "/lax";
    const store = postgres(url.href);
    opened.push(store);
    await store.start();
    const { rows } = await store.sql.query(
      "SELECT current_setting('synchronous_commit') AS sync, current_setting('default_transaction_isolation') AS isolation",
    );
    expect(rows).toEqual([{ sync: "on", isolation: "read committed" }]);
    expect(store.capabilities).toMatchObject({ durableAck: true, lossWindowMs: 0 });
  });

  it("before start and after stop every call throws store_stopped; stop twice is one", async () => {
    const store = test.transporter(test.freshSchema());
    await expect(store.claim([], "m")).resolves.toEqual([]);
    await expect(store.promote(1)).rejects.toMatchObject({ code: "store_stopped" });
    await store.start();
    await store.start();
    await store.promote(1);
    await store.stop();
    await store.stop();
    await expect(store.enqueue([{ job }])).rejects.toMatchObject({ code: "store_stopped" });
  });

  it("connections that the server ends cost no more than a repeated call; listeners hear again", async () => {
    const schema = test.freshSchema();
    const store = await open(schema);
    const rung: string[][] = [];
    store.onReady((queues) => rung.push(queues));
    await store.enqueue([{ job }]);
    await admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'provost-jobs'");
    await vi.waitUntil(
      () =>
        store.promote(1).then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ code: "store_unavailable" });
            return false;
          },
        ),
      { timeout: 20_000 },
    );
    // Rung by its own enqueue first, then by the reconnect: the job is still ready.
    await vi.waitUntil(() => rung.length >= 2, { timeout: 20_000 });
    const other = await open(schema);
    const before = rung.length;
    await vi.waitUntil(async () => (await other.enqueue([{ job }]), rung.length > before), {
      timeout: 20_000,
      interval: 50,
    });
  });

  it("a transaction whose connection is lost throws store_unavailable, and nothing of it is there", async () => {
    const store = await open();
    const act = store.sql.transaction(async (tx) => {
      await store.enqueue([{ job }], { tx });
      const { rows } = await tx.query("SELECT pg_backend_pid() AS pid");
      await admin(`SELECT pg_terminate_backend(${String(rows[0]?.["pid"])})`);
      await store.enqueue([{ job }], { tx });
    });
    await expect(act).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await store.list({ limit: 10 })).toEqual([]);
  });

  it("a statement that takes too long gives its connection up with store_unavailable; the next call works", async () => {
    const store = test.transporter(test.freshSchema(), { queryTimeoutMs: 300, sqlPoolMax: 1 });
    opened.push(store);
    await store.start();
    await expect(store.sql.query("SELECT pg_sleep(60)")).rejects.toMatchObject({ code: "store_unavailable" });
    expect((await store.sql.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  });

  it.each(["fast", "kill"] as const)(
    "L11 the server goes (%s) and comes back: what was acknowledged is there, calls and hints work again",
    async (how) => {
      const store = await open();
      const rung: string[][] = [];
      store.onReady((queues) => rung.push(queues));
      const [added] = await store.enqueue([{ job }]);
      await test.server.halt(how);
      // Of a killed server each process ends when it has noticed, and may answer once more before.
      await vi.waitUntil(
        () =>
          store.now().then(
            () => false,
            () => true,
          ),
        { timeout: 20_000 },
      );
      await expect(
        store.claim([{ queue: "q", lane: "short", names: ["work"], limit: 1, leaseMs: 1_000, started: true }], "m"),
      ).rejects.toMatchObject({ code: "store_unavailable" });
      await expect(store.enqueue([{ job }])).rejects.toMatchObject({ code: "store_unavailable" });
      const heard = rung.length;
      await test.server.resume();
      await vi.waitUntil(
        () =>
          store.promote(1).then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      );
      expect((await store.list({ limit: 10 })).map(({ id }) => id)).toEqual(added?.ids);
      await vi.waitUntil(() => rung.length > heard, { timeout: 20_000 });
    },
  );

  it("a server whose last words come with its first ones ends no program", async () => {
    const sockets = new Set<Socket>();
    let dying = false;
    let lastWords = 0;
    const relay = createServer((near) => {
      const far = connect(test.server.port, test.server.host);
      sockets.add(near);
      near.pipe(far);
      far.on("data", (data) => {
        const isReady = data.subarray(-6).equals(readyForQuery);
        if (dying && isReady) lastWords += 1;
        near.write(dying && isReady ? Buffer.concat([data, fatal]) : data);
      });
      for (const socket of [near, far]) socket.on("error", () => undefined);
      near.on("close", () => far.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const url = new URL(test.server.url);
    url.port = String((relay.address() as AddressInfo).port);
    const transporter = postgres({ connectionString: url.href, schema: test.freshSchema() });
    await transporter.start();
    const before = process.listeners("uncaughtException");
    const uncaught: unknown[] = [];
    process.removeAllListeners("uncaughtException").on("uncaughtException", (error) => uncaught.push(error));
    try {
      dying = true;
      for (const socket of sockets) socket.destroy();
      await vi.waitUntil(async () => (await transporter.now().catch(() => undefined), lastWords > 0), {
        timeout: 20_000,
      });
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      expect(uncaught).toEqual([]);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of before) process.on("uncaughtException", listener);
      await transporter.stop();
      relay.close();
    }
  });

  it("a throwaway server ends with the process that started it, kill -9 included", async () => {
    const script = fileURLToPath(new URL("../../../tests/throwaway-holder.ts", import.meta.url));
    const holder = spawn(process.execPath, ["--conditions=source", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [said]: unknown[] = await once(holder.stdout, "data");
    const [url = "", folder = ""] = String(said).trim().split(" ");
    expect(existsSync(folder)).toBe(true);
    holder.kill("SIGKILL");
    await vi.waitUntil(() => !existsSync(folder), { timeout: 20_000 });
    await expect(postgres(url).start()).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

function thrown(act: () => unknown): JobsError {
  try {
    act();
  } catch (error) {
    if (error instanceof JobsError) return error;
  }
  return expect.unreachable("nothing was thrown");
}
