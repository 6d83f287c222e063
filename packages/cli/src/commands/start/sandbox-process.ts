import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ProvostError } from "@provost/contract";
import { z } from "zod";

const startWithinMs = 20_000;
const stopWithinMs = 5_000;
const announcement = z.object({ url: z.string() });

/**
 * The pretend cloud as a process of its own (C16). It hangs on an IPC channel: when this process ends in whatever way, it
 * ends too. Its servers and its token outlive it in the data folder.
 */
export class SandboxProcess {
  readonly url: string;
  readonly token: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string, token: string) {
    this.#child = child;
    this.url = url;
    this.token = token;
  }

  /** @throws ProvostError `sandbox_failed`: what it said. */
  static async start(dataFolder: string): Promise<SandboxProcess> {
    const token = keptToken(join(dataFolder, "sandbox-token"));
    const logFile = join(dataFolder, "sandbox.log");
    const log = openSync(logFile, "w", 0o600);
    const child = spawn(
      process.execPath,
      [...process.execArgv, mainModule(), "--port", "0", "--state", join(dataFolder, "sandbox.db")],
      {
        env: { ...process.env, PROVOST_SANDBOX_TOKEN: token },
        stdio: ["ignore", "ignore", log, "ipc"],
        // A Ctrl-C goes to the whole group of the terminal: the sandbox ends after the server, not beside it.
        detached: true,
      },
    );
    closeSync(log);
    try {
      return new SandboxProcess(child, await announced(child), token);
    } catch (error) {
      child.kill("SIGKILL");
      const said = readFileSync(logFile, "utf8").trim().split("\n").at(-1) ?? "";
      throw new ProvostError(
        "sandbox_failed",
        `The sandbox did not start: ${said || (error instanceof Error ? error.message : String(error))}. Its log is ${logFile}; \`start --no-sandbox\` goes without it.`,
        { cause: error },
      );
    }
  }

  /** Calls back when the sandbox ends though nobody asked it to. */
  onDeath(listener: () => void): void {
    this.#child.once("exit", listener);
  }

  /** Awaited, safe to call twice. */
  async stop(): Promise<void> {
    const child = this.#child;
    child.removeAllListeners("exit");
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const patience = setTimeout(() => child.kill("SIGKILL"), stopWithinMs);
    await ended;
    clearTimeout(patience);
  }
}

/** Beside the entry of its package: source in a checkout, built when installed. */
function mainModule(): string {
  const entry = import.meta.resolve("@provost/sandbox");
  return fileURLToPath(new URL(`main${extname(entry)}`, entry));
}

function announced(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (reason: string): void => reject(new ProvostError("sandbox_failed", reason));
    const patience = setTimeout(() => refuse(`it did not listen within ${startWithinMs / 1000} s`), startWithinMs);
    child.once("error", reject);
    child.once("exit", (code, signal) => refuse(`it ended with ${signal ?? `exit code ${code}`}`));
    child.once("message", (message) => {
      clearTimeout(patience);
      child.removeAllListeners("exit");
      const read = announcement.safeParse(message);
      if (read.success) resolve(read.data.url);
      else refuse("it did not say where it listens");
    });
  });
}

function keptToken(file: string): string {
  try {
    const kept = readFileSync(file, "utf8").trim();
    chmodSync(file, 0o600);
    if (kept !== "") return kept;
  } catch {
    // There is none yet.
  }
  const token = randomBytes(24).toString("hex");
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}
