import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs a command and ends it when whoever started it is gone: standard input closes with its last writer, `kill -9` included.
 */
const guard = `
exec 3<&0
"$@" </dev/null 3<&- & child=$!
( cat <&3 >/dev/null; kill -TERM $child ) 2>/dev/null & watch=$!
wait $child; code=$?
kill $watch 2>/dev/null
exit $code
`;

/** A server that ends with this process at the latest. */
export class Guarded {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  constructor(command: readonly string[], folder: string) {
    this.#child = spawn("/bin/sh", ["-c", guard, "guard", ...command], {
      cwd: folder,
      stdio: ["pipe", "ignore", "inherit"],
    });
    this.#exited = once(this.#child, "exit");
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null;
  }

  /** Its own id: what it runs is below it. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    if (!this.hasEnded) await this.#exited;
  }
}
