import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { JobsError } from "../../src/index.ts";
import type { FromTeller, ToTeller } from "./teller.ts";

/** A manager in a process of its own (`teller.ts`), started; `kill` is kill -9. */
export class Teller {
  readonly #child: ChildProcess;
  readonly #heard: FromTeller[] = [];
  readonly #waiting = new Set<() => void>();
  #exit: number | NodeJS.Signals | undefined;

  /** @param leaseMs an hour by default: what is freed is freed by something else. */
  constructor(place: string, schema: string, hostFolder: string, leaseMs = 3_600_000) {
    const script = fileURLToPath(new URL("teller.ts", import.meta.url));
    this.#child = fork(script, [place, schema, hostFolder, String(leaseMs)], {
      execArgv: ["--conditions=source"],
      // A third of the start: the first of them compiles for the others.
      env: { ...process.env, NODE_COMPILE_CACHE: `${hostFolder}-compiled` },
    });
    this.#child.on("message", (message: FromTeller) => {
      this.#heard.push(message);
      for (const look of this.#waiting) look();
    });
    this.#child.once("exit", (code, signal) => {
      this.#exit = signal ?? code ?? 0;
      for (const look of this.#waiting) look();
    });
  }

  tell(message: ToTeller): void {
    this.#child.send(message);
  }

  /** The next message, which must be of this kind. */
  async next<Kind extends FromTeller["is"]>(kind: Kind): Promise<Extract<FromTeller, { is: Kind }>> {
    const message = await this.#next();
    if (message.is !== kind)
      throw new JobsError("handler_failed", `a teller said ${JSON.stringify(message)}, not ${kind}`);
    return message as Extract<FromTeller, { is: Kind }>;
  }

  /** Stops all its threads, as a debugger or a frozen machine does. */
  freeze(): void {
    this.#child.kill("SIGSTOP");
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#exit === undefined && this.#child.kill("SIGKILL")) await gone;
  }

  #next(): Promise<FromTeller> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const message = this.#heard.shift();
        if (message === undefined && this.#exit === undefined) return;
        this.#waiting.delete(look);
        if (message === undefined)
          reject(new JobsError("process_crashed", `a teller ended with ${String(this.#exit)}`));
        else resolve(message);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
