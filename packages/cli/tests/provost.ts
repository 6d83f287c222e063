import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { z } from "zod";

const command = join(import.meta.dirname, "../bin/provost.mjs");
const serverInfo = z.object({ url: z.string(), pid: z.number() });

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A data folder of its own, and the `provost` command as a person runs it: a real process. */
export class Provost {
  readonly data = mkdtempSync(join(tmpdir(), "provost-cli-"));
  readonly #running = new Set<Running>();

  /** Runs a command to its end. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
    return this.begin(args, env).ended;
  }

  /** Starts a command that stays. */
  begin(args: readonly string[], env: Record<string, string> = {}): Running {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith("PROVOST_") && name !== "NODE_OPTIONS",
    );
    const child = spawn(process.execPath, [command, ...args], {
      env: { ...Object.fromEntries(inherited), PROVOST_DATA: this.data, PROVOST_PORT: "0", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const running = new Running(child);
    this.#running.add(running);
    void running.ended.finally(() => this.#running.delete(running));
    return running;
  }

  /** What a server in the folder says of itself. */
  info(): { url: string; pid: number } {
    return serverInfo.parse(JSON.parse(readFileSync(join(this.data, "server.json"), "utf8")));
  }

  has(file: string): boolean {
    return existsSync(join(this.data, file));
  }

  read(file: string): string {
    return readFileSync(join(this.data, file), "utf8");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Ends what still runs and removes the folder. */
  async dispose(): Promise<void> {
    for (const running of this.#running) running.child.kill("SIGTERM");
    await Promise.all([...this.#running].map((running) => running.ended));
    rmSync(this.data, { recursive: true, force: true });
  }
}

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  stdout = "";
  stderr = "";

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on("data", (chunk: Buffer) => (this.stdout += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = new Promise((resolve) => {
      child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves when the command has printed it. */
  async says(text: string | RegExp): Promise<void> {
    await vi.waitFor(
      () => {
        if (this.child.exitCode !== null) expect.unreachable(`it ended with ${this.child.exitCode}: ${this.stderr}`);
        expect(this.stdout).toMatch(text);
      },
      { timeout: 25_000, interval: 20 },
    );
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : expect.unreachable("no port");
}

export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Every process that has this text in its command line. */
export async function processesWith(text: string): Promise<number[]> {
  const { readdir, readFile } = await import("node:fs/promises");
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return pids.filter((_pid, index) => lines[index]?.includes(text)).map(Number);
}

/** A test with a data folder and its processes of its own. */
export const withProvost = test.extend<{ provost: Provost }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads from the pattern which fixtures this one needs: none
  provost: async ({}, use) => {
    const provost = new Provost();
    await use(provost);
    await provost.dispose();
  },
});
