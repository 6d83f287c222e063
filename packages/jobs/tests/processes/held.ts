import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach } from "vitest";
import type { ManagerEvent } from "../../src/index.ts";
import { Witness } from "../manager/harness.ts";

export interface Held {
  child: ChildProcess;
  witness: Witness;
  /** What it wrote to stderr so far. */
  stderr: () => string;
  exited: Promise<{ code: number | null; signal: string | null }>;
}

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** Starts `holder.ts`; killed after the test. */
export function held(options: {
  store: string;
  schema?: string;
  kind: string;
  lease?: number;
  onStuck?: string;
}): Held {
  const { store, schema = "", kind, lease = 1_000, onStuck = "report" } = options;
  const script = fileURLToPath(new URL("holder.ts", import.meta.url));
  const child = fork(script, [store, schema, kind, String(lease), onStuck], {
    execArgv: ["--conditions=source"],
    stdio: ["ignore", "inherit", "pipe", "ipc"],
  });
  children.push(child);
  const witness = new Witness();
  child.on("message", (event: ManagerEvent) => witness.tell(event));
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  return { child, witness, stderr: () => stderr, exited };
}

/** Resolves when the condition holds; looks again and again, until the test's own timeout. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** True while the process exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
