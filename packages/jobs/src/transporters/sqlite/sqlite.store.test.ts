import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClaimRequest, NewJob, Transporter, Tx } from "../transporter.ts";
import { queuesIn } from "./ears.ts";
import { fromDatabaseSync, sqlite, type SqliteOptions } from "./index.ts";
import { checkLocation } from "./location.ts";
import { checkVersion } from "./open.ts";

const run = promisify(execFile);
const moduleUrl = new URL("./index.ts", import.meta.url).href;

const job = (differs: Partial<NewJob> = {}): { job: NewJob } => ({
  job: {
    name: "work",
    queue: "q",
    lane: "short",
    input: "{}",
    priority: 100,
    attempts: 3,
    timeoutMs: 1_000,
    delayMs: 0,
    ...differs,
  },
});
const request: ClaimRequest = { queue: "q", lane: "short", names: ["work"], limit: 10, leaseMs: 10_000, started: true };

let folder = "";
let file = "";
const opened: Transporter[] = [];

async function open(options?: SqliteOptions, path = file): Promise<Transporter> {
  const transporter = sqlite(path, options);
  opened.push(transporter);
  await transporter.start();
  return transporter;
}

/** Until so many have their address in the file. */
async function ears(store: Transporter, count: number): Promise<void> {
  for (;;) {
    const { rows } = (await store.sql?.query("SELECT address FROM jobs_ear")) ?? { rows: [] };
    if (rows.length === count) return;
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "provost-jobs-"));
  file = join(folder, "jobs.db");
});

afterEach(async () => {
  for (const transporter of opened.splice(0)) await transporter.stop();
  rmSync(folder, { recursive: true });
});

describe("L14 where an SQLite store may be", () => {
  it("L14 refuses a place that cannot work, naming it and the way out", async () => {
    mkdirSync(join(folder, "directory"));
    for (const path of [
      join(folder, "missing", "jobs.db"),
      join(folder, "directory"),
      ":memory:",
      "",
      "file:jobs.db?mode=memory",
    ]) {
      await expect(open({}, path), path).rejects.toMatchObject({
        code: "store_location_refused",
        message: expect.stringContaining(path),
      });
    }
  });

  it("L14 refuses an unwritable folder", async () => {
    // Root may write in any folder, but not even root makes files in /proc.
    const locked = process.getuid?.() === 0 ? "/proc/self" : join(folder, "locked");
    if (locked !== "/proc/self") mkdirSync(locked, { mode: 0o500 });
    await expect(open({}, join(locked, "jobs.db"))).rejects.toMatchObject({ code: "store_location_refused" });
  });

  it("L14 refuses network filesystems and names PostgreSQL as the way out", () => {
    expect(checkLocation(file, () => 0xef53)).toBe(file);
    for (const type of [0x6969, 0xff534d42, 0x517b]) {
      expect(() => checkLocation(file, () => type)).toThrow(/network filesystem.*PostgreSQL/);
    }
  });

  it("L14 refuses a file that is not a database, and leaves it as it was", async () => {
    writeFileSync(file, "a letter to a friend, long enough to be read as a header of a database file");
    await expect(open()).rejects.toMatchObject({ code: "store_unsupported", message: expect.stringContaining(file) });
  });

  it("L14 refuses a store of a newer version", async () => {
    await (await open()).stop();
    const db = new DatabaseSync(file);
    db.exec("INSERT INTO jobs_migration (version, applied_at) VALUES (999, 0)");
    db.close();
    await expect(open()).rejects.toMatchObject({ code: "store_unsupported", message: expect.stringContaining("999") });
  });

  it("L14 refuses a second host while the first is there, and takes over from one that is gone", async () => {
    await (await open()).stop();
    const db = new DatabaseSync(file);
    const sign = db.prepare("UPDATE jobs_host SET machine = 'elsewhere', boot = 'elsewhere', seen_at = ?");
    sign.run(Date.now());
    await expect(open()).rejects.toMatchObject({
      code: "store_location_refused",
      message: expect.stringContaining("elsewhere"),
    });
    sign.run(Date.now() - 60_000);
    db.close();
    expect(await (await open()).enqueue([job()])).toHaveLength(1);
  });

  it("L11 refuses an SQLite that can lose committed pages", () => {
    for (const version of ["3.51.3", "3.52.0", "3.53.4", "4.0.0"]) expect(() => checkVersion(version)).not.toThrow();
    for (const version of ["3.51.2", "3.50.9", "2.99.9", "none"]) {
      expect(() => checkVersion(version)).toThrow(expect.objectContaining({ code: "store_unsupported" }));
    }
  });

  it("L14 a start that was refused can be repeated when the reason is gone", async () => {
    const path = join(folder, "later", "jobs.db");
    const transporter = sqlite(path);
    opened.push(transporter);
    await expect(transporter.start()).rejects.toMatchObject({ code: "store_location_refused" });
    mkdirSync(join(folder, "later"));
    await transporter.start();
    expect(await transporter.enqueue([job()])).toHaveLength(1);
  });

  it("many stores opened at once on a new file make its tables once", async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => open()));
    await Promise.all(stores.map((store) => store.enqueue([job()])));
    expect(await stores[0]?.list({ limit: 10 })).toHaveLength(4);
  });
});

describe("L11 the writer's thread", () => {
  it("L11 a commit that returned is on disk: WAL with synchronous FULL", async () => {
    const store = await open();
    const read = await store.sql?.transaction(async (tx) => [
      await tx.query("PRAGMA synchronous"),
      await tx.query("PRAGMA journal_mode"),
    ]);
    expect(read?.map(({ rows }) => rows)).toEqual([[{ synchronous: 2 }], [{ journal_mode: "wal" }]]);
  });

  it("L11 the event loop goes on while another connection holds the file; what waits is done after it", async () => {
    const store = await open();
    const db = new DatabaseSync(file);
    db.exec("BEGIN IMMEDIATE");
    let done = false;
    const added = store.enqueue([job()]).then((result) => {
      done = true;
      return result;
    });
    for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    db.exec("COMMIT");
    db.close();
    expect(await added).toHaveLength(1);
  });

  it("L11 a writer that stays busy past the limit is store_unavailable, changes nothing, and can be asked again", async () => {
    const store = await open({ busyTimeoutMs: 20 });
    const db = new DatabaseSync(file);
    db.exec("BEGIN IMMEDIATE");
    await expect(store.enqueue([job()])).rejects.toMatchObject({ code: "store_unavailable" });
    db.exec("ROLLBACK");
    db.close();
    expect(await store.list({ limit: 1 })).toEqual([]);
    expect(await store.enqueue([job()])).toHaveLength(1);
  });

  it("L11 each of the operations that share a commit has its own answer: one that throws takes no other along", async () => {
    const store = await open();
    const uniqueKey = "held";
    await store.enqueue([job({ queue: "other", uniqueKey })]);
    const flow = { jobs: [{ ...job({ uniqueKey }).job, stage: 0 }], stages: [{ policy: "all-processed" }] } as const;
    const clash = () => store.enqueue([{ flow: { jobs: [...flow.jobs], stages: [...flow.stages] } }]);
    const [idle, refused] = await Promise.allSettled([store.claim([request], "m"), clash()]);
    expect(idle).toEqual({ status: "fulfilled", value: [] });
    expect(refused).toMatchObject({ status: "rejected", reason: { code: "unique_key_taken" } });
    const [added, again, more] = await Promise.allSettled([store.enqueue([job()]), clash(), store.enqueue([job()])]);
    expect([added.status, again.status, more.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(await store.list({ queue: "q", limit: 10 })).toHaveLength(2);
  });

  it("L14 a transaction that is held too long is rolled back with transaction_expired, and the writer is free again", async () => {
    const store = await open({ transactionMsMax: 30 });
    await store.sql?.query("CREATE TABLE mine (a INTEGER)");
    const never = store.sql?.transaction(async (tx) => {
      await tx.query("INSERT INTO mine VALUES (1)");
      await store.enqueue([job()], { tx });
      await new Promise(() => undefined);
    });
    const waiting = store.enqueue([job({ name: "after" })]);
    await expect(never).rejects.toMatchObject({ code: "transaction_expired" });
    expect(await waiting).toHaveLength(1);
    expect((await store.sql?.query("SELECT * FROM mine"))?.rows).toEqual([]);
    expect((await store.list({ limit: 10 })).map(({ name }) => name)).toEqual(["after"]);
  });

  it("L14 the statements of an expired transaction are refused, not run by themselves", async () => {
    const store = await open({ transactionMsMax: 30 });
    await store.sql?.query("CREATE TABLE mine (a INTEGER)");
    let tx: Tx | undefined;
    const expired = store.sql?.transaction(async (lent) => {
      tx = lent;
      await new Promise(() => undefined);
    });
    await expect(expired).rejects.toMatchObject({ code: "transaction_expired" });
    await expect(tx?.query("INSERT INTO mine VALUES (1)")).rejects.toMatchObject({ code: "transaction_expired" });
    expect((await store.sql?.query("SELECT * FROM mine"))?.rows).toEqual([]);
  });

  it("L11 operations outside wait for an open transaction, and it does not see them", async () => {
    const store = await open();
    let outside: Promise<unknown> | undefined;
    await store.sql?.transaction(async (tx) => {
      outside = store.enqueue([job()]);
      const { rows } = await tx.query("SELECT count(*) AS jobs FROM jobs_job");
      expect(rows).toEqual([{ jobs: 0 }]);
    });
    expect(await outside).toHaveLength(1);
  });

  it("BEGIN and COMMIT by hand are refused, savepoints within a transaction are not", async () => {
    const store = await open();
    for (const sql of ["BEGIN", "commit", " ROLLBACK", "SAVEPOINT a", "ATTACH 'x' AS y"]) {
      await expect(store.sql?.query(sql), sql).rejects.toMatchObject({ code: "transaction_foreign" });
    }
    await store.sql?.query("CREATE TABLE mine (a INTEGER)");
    await store.sql?.transaction(async (tx) => {
      await tx.query("INSERT INTO mine VALUES (?)", [1]);
      await tx.query("SAVEPOINT a");
      await tx.query("INSERT INTO mine VALUES (?)", [2]);
      await tx.query("ROLLBACK TO a");
      await expect(tx.query("COMMIT")).rejects.toMatchObject({ code: "transaction_foreign" });
    });
    expect((await store.sql?.query("SELECT a FROM mine"))?.rows).toEqual([{ a: 1 }]);
  });

  it("a constraint's refusal reaches the caller with SQLite's code, reads and writes are told apart", async () => {
    const store = await open();
    await store.sql?.query("CREATE TABLE mine (a TEXT UNIQUE)");
    expect(await store.sql?.query("INSERT INTO mine VALUES (?), (?)", ["x", "y"])).toEqual({ rows: [], changes: 2 });
    expect(await store.sql?.query("WITH v AS (SELECT 'z' AS a) INSERT INTO mine SELECT a FROM v RETURNING a")).toEqual({
      rows: [{ a: "z" }],
      changes: 1,
    });
    expect(await store.sql?.query("SELECT a FROM mine ORDER BY a")).toMatchObject({
      rows: [{ a: "x" }, { a: "y" }, { a: "z" }],
      changes: 0,
    });
    await expect(store.sql?.query("INSERT INTO mine VALUES ('x')")).rejects.toMatchObject({
      name: "SqliteError",
      errcode: 2067,
    });
    await expect(store.sql?.query("SELECT ?", [new Date()])).rejects.toMatchObject({ code: "invalid_input" });
    await expect(store.sql?.query("SELECT ?", [() => 1])).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("L11 the caller's own handle", () => {
  it("L11 fromDatabaseSync: enqueue, wake and amend join the caller's commit, and nothing is left of its rollback", async () => {
    const store = await open();
    const [[kept], [delayed]] = [
      await store.enqueue([job()]),
      await store.enqueue([job({ delayMs: 60_000, wakeKey: "k" })]),
    ];
    const db = new DatabaseSync(file);
    const tx = fromDatabaseSync(db);
    for (const end of ["ROLLBACK", "COMMIT"]) {
      db.exec("BEGIN IMMEDIATE");
      await store.enqueue([job({ name: "own" })], { tx });
      expect(await store.wake(["k"], { tx })).toBe(1);
      expect(await store.amend(kept?.ids ?? [], { kind: "cancel", reason: "test" }, { tx })).toEqual([
        { state: "applied" },
      ]);
      expect((await tx.query("SELECT count(*) AS n FROM jobs_job")).rows).toEqual([{ n: 3 }]);
      expect(await store.list({ limit: 10 })).toHaveLength(2);
      db.exec(end);
      const jobs = await store.list({ limit: 10 });
      const expected = end === "COMMIT" ? ["cancelled", "queued", "queued"] : ["queued", "delayed"];
      expect(jobs.map(({ status }) => status)).toEqual(expected);
    }
    db.close();
    expect(delayed?.ids).toHaveLength(1);
  });

  it("L11 fromDatabaseSync: a handle with no open transaction, or on another file, is refused", async () => {
    const store = await open();
    const own = new DatabaseSync(file);
    await expect(store.enqueue([job()], { tx: fromDatabaseSync(own) })).rejects.toMatchObject({
      code: "transaction_foreign",
    });
    own.close();
    const other = new DatabaseSync(join(folder, "other.db"));
    other.exec("BEGIN");
    await expect(store.enqueue([job()], { tx: fromDatabaseSync(other) })).rejects.toMatchObject({
      code: "transaction_foreign",
    });
    other.close();
    expect(await store.list({ limit: 1 })).toEqual([]);
  });

  it("the notifier hears of a commit on the caller's own handle", async () => {
    const store = await open({ pollMs: 5 });
    const db = new DatabaseSync(file);
    const heard = new Promise<string[]>((resolve) => {
      store.onReady(resolve);
    });
    db.exec("BEGIN IMMEDIATE");
    await store.enqueue([job()], { tx: fromDatabaseSync(db) });
    db.exec("COMMIT");
    expect(await heard).toEqual(["q"]);
    db.close();
  });
});

describe("several processes on one file", () => {
  it("L3 four processes claim 400 jobs: each job is claimed and settled once", async () => {
    const store = await open();
    await store.enqueue(Array.from({ length: 400 }, () => job()));
    const program = `
      const { sqlite } = await import(${JSON.stringify(moduleUrl)});
      const store = sqlite(${JSON.stringify(file)});
      await store.start();
      for (;;) {
        const claimed = await store.claim([${JSON.stringify(request)}], String(process.pid));
        if (claimed.length === 0) break;
        const results = await store.settle(claimed.map(({ id, fence, version }) => ({ id, fence, version, outcome: { kind: "processed" } })));
        claimed.forEach(({ id }, index) => console.log(id, results[index].state));
      }
      await store.stop();`;
    const runs = await Promise.all(
      Array.from({ length: 4 }, () =>
        run(process.execPath, ["--input-type=module", "--eval", program], { timeout: 25_000 }),
      ),
    );
    const lines = runs.flatMap(({ stdout }) => stdout.trim().split("\n")).filter((line) => line !== "");
    expect(lines).toHaveLength(400);
    expect(new Set(lines).size).toBe(400);
    expect(lines.every((line) => line.endsWith(" applied"))).toBe(true);
  });

  it("L1 L5 who listens is rung by another process's enqueue, however rarely it looks for others' commits", async () => {
    const store = await open({ pollMs: 3_600_000 });
    const heard = new Promise<string[]>((resolve) => {
      store.onReady(resolve);
    });
    const program = `
      const { sqlite } = await import(${JSON.stringify(moduleUrl)});
      const store = sqlite(${JSON.stringify(file)});
      await store.start();
      await store.enqueue([${JSON.stringify(job({ queue: "über" }))}]);
      await store.stop();`;
    await ears(store, 1);
    await run(process.execPath, ["--input-type=module", "--eval", program], { timeout: 25_000 });
    expect(await heard).toEqual(["über"]);
  });

  it("L14 an address in the file is its listener's, and is gone with it", async () => {
    const [store, other] = [await open(), await open()];
    store.onReady(() => undefined);
    const unsubscribe = other.onReady(() => undefined);
    await ears(store, 2);
    unsubscribe();
    await ears(store, 1);
    other.onReady(() => undefined);
    await ears(store, 2);
    await other.stop();
    await ears(store, 1);
  });

  it("L14 what is not a hint is not heard", () => {
    expect(["", "{", "1", "{}", "null"].map(queuesIn)).toEqual([[], [], [], [], []]);
    expect(queuesIn('["a", 1, null, "b"]')).toEqual(["a", "b"]);
  });

  it("L11 kill -9 in the middle of enqueues: everything that had returned is there", async () => {
    await (await open()).stop();
    const program = `
      const { sqlite } = await import(${JSON.stringify(moduleUrl)});
      const { writeSync } = await import("node:fs");
      const store = sqlite(${JSON.stringify(file)});
      await store.start();
      const producer = async () => {
        for (;;) {
          const [added] = await store.enqueue([${JSON.stringify(job())}]);
          writeSync(1, added.ids[0] + "\\n");
        }
      };
      await Promise.all(Array.from({ length: 10 }, producer));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const returned: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      returned.push(line);
      if (returned.length === 300) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    const store = await open();
    const found = await store.list({ limit: 1_000 });
    for (let last = found.at(-1); last !== undefined;) {
      const page = await store.list({ limit: 1_000, after: last.id });
      found.push(...page);
      last = page.at(-1);
    }
    const ids = new Set(found.map(({ id }) => id));
    expect(returned.length).toBeGreaterThanOrEqual(300);
    expect(returned.filter((id) => !ids.has(id))).toEqual([]);
  });
});
