import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Instance, InstanceEvent, Listed } from "@provost/contract";
import { cpuSecondsUnder } from "../../bench/harness/cpu.ts";
import { waitFor } from "./wait.ts";

const command = join(import.meta.dirname, "../../packages/cli/bin/provost.mjs");

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

/** One deployment of Provost in a data folder of its own, driven as a person would: through its command. */
export class Provost {
  readonly data = mkdtempSync(join(tmpdir(), "provost-e2e-"));
  readonly #env: Record<string, string>;
  #server: ChildProcess | undefined;
  #serverPid = 0;
  callbackPort = 0;

  /** Should this process end before `stop`: nothing is left behind. */
  readonly #abandon = (): void => {
    if (this.#serverPid !== 0 && isAlive(this.#serverPid)) this.kill();
    rmSync(this.data, { recursive: true, force: true });
  };

  constructor(env: Record<string, string> = {}) {
    this.#env = env;
    process.once("exit", this.#abandon);
  }

  /** Starts `provost server` and waits until it serves. The port is kept over restarts, as a real one's would be. */
  async serve(): Promise<void> {
    this.callbackPort ||= await freePort();
    const child = spawn(process.execPath, [command, "server"], {
      env: this.environment(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    let log = "";
    child.stdout.on("data", (chunk: Buffer) => (log += chunk));
    child.stderr.on("data", (chunk: Buffer) => (log += chunk));
    const finished = once(child, "close");
    this.#server = child;
    const state = join(this.data, "server.json");
    await waitFor("the server to serve", async () => {
      if (child.exitCode !== null || child.signalCode !== null) {
        // What it said last may still be in the pipes.
        await finished;
        throw new ServerDied(`ended with ${child.exitCode ?? child.signalCode}: ${log || "it said nothing"}`);
      }
      if (!existsSync(state)) return false;
      const { url, pid } = JSON.parse(readFileSync(state, "utf8")) as { url: string; pid: number };
      const answer = await fetch(`${url}/v1/health`).catch(() => undefined);
      this.#serverPid = pid;
      return answer?.ok === true && isAlive(pid);
    });
  }

  /** `kill -9` of the process that serves (the command may have started it under itself). */
  kill(): void {
    if (this.#serverPid) process.kill(this.#serverPid, "SIGKILL");
  }

  async killed(): Promise<void> {
    await waitFor("the server to be dead", () => Promise.resolve(!isAlive(this.#serverPid)));
    await this.#ended();
  }

  async stop(): Promise<void> {
    this.#server?.kill("SIGTERM");
    await this.#ended();
    process.off("exit", this.#abandon);
    rmSync(this.data, { recursive: true, force: true });
  }

  async #ended(): Promise<void> {
    const child = this.#server;
    if (child && child.exitCode === null && child.signalCode === null) {
      await new Promise((resolve) => child.once("exit", resolve));
    }
    this.#server = undefined;
  }

  environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PROVOST_DATA: this.data,
      PROVOST_CALLBACK_LISTEN: `127.0.0.1:${this.callbackPort}`,
      PROVOST_CALLBACK_ALLOW_HTTP: "1",
      NO_COLOR: "1",
      ...this.#env,
    };
  }

  /** Runs `provost ARGS…` to its end. */
  run(...args: string[]): Promise<Ran> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [command, ...args], {
        env: this.environment(),
        stdio: ["ignore", "pipe", "pipe"],
      });
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk));
      child.once("error", reject);
      child.once("close", (code) => resolve({ code, stdout, stderr, seconds: (performance.now() - started) / 1000 }));
    });
  }

  /** The server's peak resident memory so far, in MB, as the kernel counts it. */
  peakRssMb(): number {
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#serverPid}/status`, "utf8"))?.[1];
    return Number(peak) / 1024;
  }

  /** Processor seconds that the server, and what it has started, have used so far. */
  cpuSeconds(): number {
    return cpuSecondsUnder([this.#serverPid]);
  }

  /** Bytes that the server has read from files so far, those that the system still had in memory included. */
  bytesRead(): number {
    return this.#io(/^rchar: (\d+)/m);
  }

  /** Bytes that the system has written to disk for the server so far: files only, no sockets. */
  bytesWritten(): number {
    return this.#io(/^write_bytes: (\d+)/m);
  }

  #io(line: RegExp): number {
    return Number(line.exec(readFileSync(`/proc/${this.#serverPid}/io`, "utf8"))?.[1]);
  }

  instance(ref: string): Promise<Instance> {
    return this.get<Instance>(`/v1/instances/${ref}`);
  }

  async events(ref: string): Promise<InstanceEvent[]> {
    return (await this.get<Listed<InstanceEvent>>(`/v1/instances/${ref}/events?limit=500`)).items;
  }

  get<T>(path: string): Promise<T> {
    return this.#call<T>(path, {});
  }

  post<T>(path: string, body: unknown, idempotencyKey?: string): Promise<T> {
    return this.#call<T>(path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: {
        "content-type": "application/json",
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
      },
    });
  }

  /** Where it serves, without a slash at its end. */
  url(): string {
    return (JSON.parse(readFileSync(join(this.data, "server.json"), "utf8")) as { url: string }).url;
  }

  /** The first token, from the file that the start names. */
  adminToken(): string {
    return readFileSync(join(this.data, "admin-token"), "utf8").trim();
  }

  async #call<T>(
    path: string,
    request: { method?: string; body?: string; headers?: Record<string, string> },
  ): Promise<T> {
    const answer = await fetch(`${this.url()}${path}`, {
      ...request,
      headers: { ...request.headers, authorization: `Bearer ${this.adminToken()}` },
    });
    if (!answer.ok) throw new RequestRefused(answer.status, `${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}

export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class ServerDied extends Error {
  override readonly name = "ServerDied";
}

function isAlive(pid: number): boolean {
  try {
    // A killed child stays as a zombie until it is reaped: that counts as dead.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Below those that systems give away by themselves: while the server is down nobody else must come by it. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
}
