import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SandboxError, startSandbox } from "../src/index.ts";
import { CallbackReceiver } from "./callback-receiver.ts";
import { LinodeClient, TOKEN, until, userData } from "./linode-client.ts";
import { ManualClock } from "./manual-clock.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const BIN = fileURLToPath(new URL("../bin/provost-sandbox.mjs", import.meta.url));

let folder: string;
let stateFile: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sandbox-test-"));
  stateFile = join(folder, "cloud.db");
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true });
});

interface Running {
  child: ChildProcess;
  url: string;
}

async function run(...args: string[]): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, PROVOST_SANDBOX_TOKEN: TOKEN },
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = await once(child.stdout, "data");
  return { child, url: JSON.parse(String(line)).url };
}

async function runToEnd(env: Record<string, string>, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [code] = await once(child, "close");
  return { code, text };
}

describe("the state file (C16)", () => {
  test("instances, labels, ids, addresses and counts outlive a restart; what was under way goes on", async () => {
    const receiver = await CallbackReceiver.start();
    receiver.answer = ({ body }) => (body.stage === "booting" ? 200 : 503);
    const before = await startSandbox({ tokens: [TOKEN], fast: true, stateFile });
    let linode = new LinodeClient(before.url);
    const gone = await linode.create("gone");
    await linode.call("DELETE", `/v4/linode/instances/${gone}`);
    const id = await linode.create("web-1", {
      tags: ["blue"],
      backups_enabled: true,
      ...userData(receiver.url, "tok"),
    });
    await until(
      () => receiver.stages(),
      (stages) => stages.includes("configuring"),
    );
    await until(
      () => linode.status(gone),
      (status) => status === undefined,
    );
    const { body: shown } = await linode.get(`/v4/linode/instances/${id}`);
    await before.close();
    receiver.answer = () => 200;

    const after = await startSandbox({ tokens: [TOKEN], fast: true, stateFile });
    linode = new LinodeClient(after.url);
    expect((await linode.get(`/v4/linode/instances/${id}`)).body).toEqual(shown);
    expect(after.stats()).toMatchObject({
      instances: 1,
      creates_accepted: 2,
      creates_by_label: { gone: 1, "web-1": 1 },
    });
    await until(
      () => after.stats(),
      (stats) => stats.first_boots_pending === 0,
    );
    expect(receiver.stages().filter((stage) => stage !== "configuring")).toEqual(["booting", "ready"]);
    const next = await linode.create("web-2");
    expect(next).toBeGreaterThan(id);
    expect((await linode.get(`/v4/linode/instances/${next}`)).body.ipv4).not.toEqual(shown.ipv4);
    await after.close();
    await receiver.close();
  });

  test("the golden image outlives a restart: one deploys from it before and after", async () => {
    for (const label of ["web-1", "web-2", "web-3"]) {
      const sandbox = await startSandbox({ tokens: [TOKEN], fast: true, stateFile });
      const linode = new LinodeClient(sandbox.url);
      expect(await linode.create(label, { image: "private/1" })).toBeGreaterThan(0);
      await sandbox.close();
    }
  });

  test("the feed, images, snapshots and tasks under way outlive a restart, and ids go on ascending", async () => {
    const clock = new ManualClock();
    const options = { tokens: [TOKEN], clock, latency: "none", bootMs: 1_000, stateFile } as const;
    const before = await startSandbox(options);
    let linode = new LinodeClient(before.url);
    const url = `/v4/linode/instances/${await linode.create("web-1", { backups_enabled: true })}`;
    clock.advance(1_000);
    const [disk] = (await linode.get(`${url}/disks`)).body.data;
    const image = (await linode.post("/v4/images", { disk_id: disk.id, label: "kept" })).body.id;
    clock.advance(500);
    const removed = (await linode.post("/v4/images", { disk_id: disk.id, label: "removed" })).body.id;
    await linode.call("DELETE", `/v4/images/${removed}`);
    await linode.call("DELETE", "/v4/images/private/1");
    await linode.post(`${url}/backups`, { label: "kept" });
    clock.advance(400);
    await linode.post(`${url}/backups`, { label: "under way" });
    const other = `/v4/linode/instances/${await linode.create("web-2")}`;
    clock.advance(300);
    const feed = (await linode.get("/v4/account/events")).body;
    const shown = [(await linode.get(url)).body, (await linode.get(`${url}/backups`)).body];
    await before.close();

    const after = await startSandbox(options);
    linode = new LinodeClient(after.url);
    expect((await linode.get("/v4/account/events")).body).toEqual(feed);
    expect([(await linode.get(url)).body, (await linode.get(`${url}/backups`)).body]).toEqual(shown);
    const mine = (await linode.get("/v4/images", { is_public: false })).body.data;
    expect(mine.map(({ id }: { id: string }) => id)).toEqual([image]);
    clock.advance(1_000);
    expect((await linode.get(other)).body.status).toBe("running");
    expect((await linode.get(`${url}/backups`)).body.snapshot.current.label).toBe("under way");
    expect((await linode.post(`${url}/resize`, { type: "g6-standard-1" })).status).toBe(200);
    const [newest] = (await linode.get("/v4/account/events")).body.data;
    expect(newest.id).toBeGreaterThan(feed.data[0].id);
    expect((await linode.post("/v4/images", { disk_id: disk.id })).status).toBe(400);
    clock.advance(1_000);
    expect((await linode.post("/v4/images", { disk_id: disk.id })).body.id).toBe("private/4");
    await after.close();
  });

  test("a file of version 1 is taken over, with what was under way in it", async () => {
    const database = new DatabaseSync(stateFile);
    database.exec(`
      CREATE TABLE instance (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
      CREATE TABLE label (label TEXT PRIMARY KEY, creates INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO label VALUES ('web-1', 1);
      INSERT INTO counter VALUES ('next_id', 60000008);
      PRAGMA user_version = 1;`);
    const old = {
      id: 60_000_007,
      label: "web-1",
      group: "",
      tags: ["blue"],
      region: "us-east",
      type: "g6-nanode-1",
      image: "linode/debian12",
      backups: true,
      hasUserData: false,
      privateIp: false,
      watchdog: true,
      addressIndex: 0,
      createdMs: Date.UTC(2026, 0, 1),
      updatedMs: Date.UTC(2026, 0, 1),
      status: "provisioning",
      bootsAfterCreate: true,
      stuck: false,
      dueMs: Date.UTC(2026, 0, 1) + 1_000,
    };
    database.prepare("INSERT INTO instance VALUES (?, ?)").run(old.id, JSON.stringify(old));
    database.close();
    const sandbox = await startSandbox({ tokens: [TOKEN], fast: true, stateFile });
    const linode = new LinodeClient(sandbox.url);
    await until(
      () => linode.status(old.id),
      (status) => status === "running",
    );
    const { body } = await linode.get(`/v4/linode/instances/${old.id}`);
    expect(body).toMatchObject({ tags: ["blue"], backups: { enabled: true }, created: "2026-01-01T00:00:00" });
    expect((await linode.get(`/v4/linode/instances/${old.id}/disks`)).body.results).toBe(2);
    expect((await linode.get("/v4/images/private/1")).status).toBe(200);
    expect(await linode.create("web-2")).toBe(60_000_008);
    await sandbox.close();
  });

  test("it is readable by its owner alone, for it holds callback tokens", async () => {
    const sandbox = await startSandbox({ tokens: [TOKEN], fast: true, stateFile });
    await new LinodeClient(sandbox.url).create("web-1");
    for (const suffix of ["", "-wal"]) expect(statSync(stateFile + suffix).mode & 0o777).toBe(0o600);
    await sandbox.close();
  });

  test("kill -9: every answered create is in the file, provisioned afterwards, none doubled", async () => {
    const first = await run("--state", stateFile, "--fast", "--no-rate-limits", "--boot-ms", "300");
    const linode = new LinodeClient(first.url);
    const answered: number[] = [];
    const creates = Array.from({ length: 300 }, async (_, n) => {
      const id = await linode.create(`web-${n}`).catch(() => undefined);
      if (id !== undefined) answered.push(id);
      if (answered.length === 100) first.child.kill("SIGKILL");
    });
    await Promise.all(creates);
    expect(answered.length).toBeGreaterThanOrEqual(100);
    const second = await run("--state", stateFile, "--fast", "--no-rate-limits");
    const again = new LinodeClient(second.url);
    const { body } = await until(
      () => again.get("/v4/linode/instances?page_size=500"),
      (answer) => answer.body.data.every((one: { status: string }) => one.status === "running"),
    );
    const kept = new Set(body.data.map((one: { id: number }) => one.id));
    expect(answered.filter((id) => !kept.has(id))).toEqual([]);
    expect(new Set(body.data.map((one: { label: string }) => one.label)).size).toBe(body.results);
    expect((await again.get("/sandbox/stats")).body).toMatchObject({
      creates_accepted: body.results,
      labels_created_again: [],
    });
  });

  test("a file held by another sandbox, or that is none, is refused with its path", async () => {
    const holder = await startSandbox({ tokens: [TOKEN], stateFile });
    await new LinodeClient(holder.url).create("web-1");
    const second = startSandbox({ tokens: [TOKEN], stateFile });
    await expect(second).rejects.toThrow(SandboxError);
    await expect(second).rejects.toThrow(/cloud\.db cannot be used: another sandbox/);
    await holder.close();
    const text = join(folder, "notes.txt");
    writeFileSync(text, "these are notes, not a database, and long enough to have a header".repeat(20));
    await expect(startSandbox({ tokens: [TOKEN], stateFile: text })).rejects.toThrow(/notes\.txt cannot be used/);
    await expect(startSandbox({ tokens: [TOKEN], stateFile: join(folder, "no", "such.db") })).rejects.toMatchObject({
      code: "sandbox_state_unusable",
    });
  });
});

describe("the process (C16)", () => {
  test("prints its address in one line of JSON, serves, ends on SIGTERM with 0", async () => {
    const { child, url } = await run("--fast");
    expect((await new LinodeClient(url).get("/v4/profile")).status).toBe(200);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("--exit-with-parent: ends when standard input closes", async () => {
    const { child } = await run("--fast", "--exit-with-parent");
    child.stdin?.destroy();
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("started with an IPC channel: says its address there, ends when the channel closes", async () => {
    const child = fork(MAIN, ["--fast"], { env: { ...process.env, PROVOST_SANDBOX_TOKEN: TOKEN }, silent: true });
    children.push(child);
    const [message] = await once(child, "message");
    expect((await new LinodeClient(message.url).get("/v4/profile")).status).toBe(200);
    child.disconnect();
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("kill -9 of its starter leaves no orphan", async () => {
    // A starter of its own, which we may kill: it starts the sandbox with a pipe as standard input and does nothing else.
    const starter = spawn(
      process.execPath,
      [
        "-e",
        `const child = require("node:child_process").spawn(process.execPath, [${JSON.stringify(MAIN)}, "--fast", "--exit-with-parent"],
          { stdio: ["pipe", "pipe", "inherit"] });
        child.stdout.once("data", (line) => process.stdout.write(JSON.stringify({ pid: child.pid, ...JSON.parse(line) })));
        setInterval(() => {}, 1000);`,
      ],
      { env: { ...process.env, PROVOST_SANDBOX_TOKEN: TOKEN }, stdio: ["ignore", "pipe", "inherit"] },
    );
    children.push(starter);
    const [line] = await once(starter.stdout, "data");
    const { url } = JSON.parse(String(line));
    const linode = new LinodeClient(url);
    expect((await linode.get("/v4/profile")).status).toBe(200);
    starter.kill("SIGKILL");
    await until(
      () =>
        linode.get("/v4/profile").then(
          () => "serving",
          () => "gone",
        ),
      (state) => state === "gone",
    );
  });

  test("the bin runs from a checkout and shows the help", async () => {
    const child = spawn(process.execPath, [BIN, "--help"], { stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    const [text] = await once(child.stdout, "data");
    expect(String(text)).toContain("Usage: provost-sandbox");
    if (child.exitCode === null) await once(child, "exit");
    expect(child.exitCode).toBe(0);
  });

  test("no token: one line, exit code 2", async () => {
    const { code, text } = await runToEnd({});
    expect({ code, lines: text.trim().split("\n").length }).toEqual({ code: 2, lines: 1 });
    expect(text).toContain("PROVOST_SANDBOX_TOKEN");
  });

  test("a port in use: one line that names it, exit code 1", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const address = holder.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { code, text } = await runToEnd({ PROVOST_SANDBOX_TOKEN: TOKEN }, "--port", String(port));
    expect(code).toBe(1);
    expect(text.trim().split("\n")).toEqual([expect.stringContaining(`127.0.0.1:${port}`)]);
    expect(text).not.toContain(TOKEN);
    holder.close();
    await once(holder, "close");
  });
});
