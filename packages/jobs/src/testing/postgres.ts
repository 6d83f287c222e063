import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { JobsError } from "../core/errors.ts";

/** Small, and as durable as a real one: `fsync` and `synchronous_commit` stay on. */
const settings: Readonly<Record<string, string>> = {
  shared_buffers: "64MB",
  max_connections: "120",
  max_wal_size: "512MB",
  deadlock_timeout: "200ms",
  autovacuum_naptime: "5s",
  log_min_messages: "warning",
  timezone: "UTC",
};

const startMsMax = 30_000;
const stopMsMax = 30_000;

/**
 * Runs the server, and ends it and removes its folder when whoever started it is gone: standard input closes with its last
 * writer, `kill -9` included. Arguments: the folder, then the server's command.
 */
const guard = `
dir=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & server=$!
( cat <&3 >/dev/null; : >"$dir/abandoned"; kill -INT $server ) 2>/dev/null & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
[ -e "$dir/abandoned" ] && rm -rf "$dir"
exit $code
`;

/** How a throwaway server differs from the usual one. */
export interface ThrowawayPostgresOptions {
  /** Settings of the server that differ, by their names: `{ max_connections: "600" }`. */
  settings?: Readonly<Record<string, string>>;
}

/** A server that `startThrowawayPostgres` has started. */
export interface ThrowawayPostgres {
  /** Of a superuser, with the password; loopback only. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Temporary; removed with the server. */
  readonly folder: string;
  /** Ends the server (`fast`: clients are cut off; `kill`: as a power cut), to be started again on the same port and data. */
  halt(how?: "fast" | "kill"): Promise<void>;
  /** Starts it again after `halt`. */
  resume(): Promise<void>;
  /** Ends the server and removes its folder. Safe to call twice. */
  stop(): Promise<void>;
}

/** Why there can be no throwaway server here; undefined when there can. Tests that need one skip with this reason. */
export function postgresMissing(): string | undefined {
  if (process.platform === "win32") return "throwaway PostgreSQL servers are not started on Windows";
  return binaries() === undefined
    ? "no PostgreSQL binaries: initdb and postgres are neither on PATH nor in /usr/lib/postgresql"
    : undefined;
}

/** The newest folder that has both programs. */
function binaries(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

/** PostgreSQL refuses root: then its own user, or nobody, runs it. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const found = users.find(([name]) => name === "postgres") ?? users.find(([name]) => name === "nobody");
  if (found === undefined)
    throw unavailable("root cannot run PostgreSQL and there is no user postgres or nobody: run as another user");
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

function unavailable(problem: string): JobsError {
  return new JobsError("store_unavailable", `throwaway PostgreSQL: ${problem}`);
}

/**
 * A PostgreSQL server of its own in a temporary folder, on a free loopback port; about a second. Ends with `stop`, or by itself
 * when this process is gone.
 *
 * @throws JobsError `store_unavailable`: no binaries (`postgresMissing` says so beforehand), or it does not start.
 */
export async function startThrowawayPostgres(options: ThrowawayPostgresOptions = {}): Promise<ThrowawayPostgres> {
  const bin = binaries();
  const missing = postgresMissing();
  if (bin === undefined || missing !== undefined) throw unavailable(missing ?? "no binaries");
  const server = new Server(bin, await freePort(), { ...settings, ...options.settings });
  try {
    server.init();
    await server.resume();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

class Server implements ThrowawayPostgres {
  readonly host = "127.0.0.1";
  readonly user = "provost";
  readonly password = randomBytes(12).toString("hex");
  readonly port: number;
  readonly #bin: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly #runAs = serverUser();
  #guard: ChildProcess | undefined;

  constructor(bin: string, port: number, serverSettings: Readonly<Record<string, string>>) {
    this.#bin = bin;
    this.port = port;
    this.#settings = serverSettings;
    this.folder = mkdtempSync(join(tmpdir(), "provost-pg-"));
    if (this.#runAs !== undefined) chownSync(this.folder, this.#runAs.uid, this.#runAs.gid);
  }

  get url(): string {
    return `postgres://${this.user}:${this.password}@${this.host}:${this.port}/postgres`;
  }

  get #data(): string {
    return join(this.folder, "data");
  }

  init(): void {
    const passwordFile = join(this.folder, "password");
    writeFileSync(passwordFile, this.password, { mode: 0o600 });
    if (this.#runAs !== undefined) chownSync(passwordFile, this.#runAs.uid, this.#runAs.gid);
    const args = ["-D", this.#data, "-U", this.user, "-A", "scram-sha-256", "--pwfile", passwordFile];
    const { status, stderr } = spawnSync(
      join(this.#bin, "initdb"),
      [...args, "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"],
      { cwd: this.folder, encoding: "utf8", timeout: startMsMax, ...this.#runAs },
    );
    rmSync(passwordFile);
    if (status !== 0) throw unavailable(`initdb ended with ${status}: ${stderr.trim()}`);
  }

  async resume(): Promise<void> {
    if (this.#guard !== undefined) return;
    const own = {
      ...this.#settings,
      listen_addresses: this.host,
      port: String(this.port),
      unix_socket_directories: "",
    };
    const options = Object.entries(own).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const command = [join(this.#bin, "postgres"), "-D", this.#data, ...options];
    const child = spawn("/bin/sh", ["-c", guard, "guard", this.folder, ...command], {
      cwd: this.folder,
      stdio: ["pipe", "ignore", "pipe"],
      ...this.#runAs,
    });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-4_000);
    });
    child.once("exit", () => {
      child.stdin.destroy();
      if (this.#guard === child) this.#guard = undefined;
    });
    this.#guard = child;
    // The last line of postmaster.pid says when it takes connections.
    for (const end = performance.now() + startMsMax; this.#state()?.ready !== true; await sleep(20)) {
      if (child.exitCode !== null) throw unavailable(`it ended at its start: ${log.trim()}`);
      if (performance.now() > end) throw unavailable(`not ready after ${startMsMax} ms: ${log.trim()}`);
    }
  }

  async halt(how: "fast" | "kill" = "fast"): Promise<void> {
    const child = this.#guard;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const pid = this.#state()?.pid;
    if (pid !== undefined) process.kill(pid, how === "fast" ? "SIGINT" : "SIGKILL");
    else child.stdin?.end();
    const timer = setTimeout(() => {
      if (pid !== undefined) process.kill(pid, "SIGQUIT");
    }, stopMsMax);
    await ended;
    clearTimeout(timer);
    // A killed server leaves its file; a new one must not be taken for ready by it.
    rmSync(join(this.#data, "postmaster.pid"), { force: true });
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #state(): { pid: number; ready: boolean } | undefined {
    let lines: string[];
    try {
      lines = readFileSync(join(this.#data, "postmaster.pid"), "utf8").split("\n");
    } catch {
      return undefined;
    }
    const pid = Number(lines[0]);
    return pid > 0 ? { pid, ready: lines[7]?.trim() === "ready" } : undefined;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw unavailable("no free port");
  return address.port;
}
