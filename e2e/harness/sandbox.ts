import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const main = join(import.meta.dirname, "../../packages/sandbox/src/main.ts");
/** What the sandbox counts, as far as proofs ask for it. */
export interface SandboxFigures {
  instances: number;
  instances_by_status: Record<string, number>;
  creates_accepted: number;
  labels_created_again: string[];
  deletes_accepted: number;
  requests: number;
  requests_rate_limited: number;
  faults_applied: number;
}

export interface SetFault {
  id: number;
  applied: number;
}

/** The pretend cloud as a process of its own, with a state file: it can be killed and come back where it was. */
export class SandboxCloud {
  readonly token = randomBytes(16).toString("hex");
  readonly #flags: readonly string[];
  readonly #stateFile: string;
  #child: ChildProcess | undefined;
  #url = "";

  /** `flags` as on its command line. */
  constructor(folder: string, flags: readonly string[]) {
    this.#stateFile = join(folder, "sandbox.db");
    this.#flags = flags;
  }

  get url(): string {
    return this.#url;
  }

  /** Keeps its port over restarts. */
  async start(): Promise<void> {
    const port = this.#url === "" ? "0" : new URL(this.#url).port;
    const child = spawn(
      process.execPath,
      ["--conditions=source", main, "--port", port, "--state", this.#stateFile, ...this.#flags],
      { env: { ...process.env, PROVOST_SANDBOX_TOKEN: this.token }, stdio: ["ignore", "pipe", "inherit", "ipc"] },
    );
    this.#child = child;
    const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
    this.#url = (JSON.parse(line) as { url: string }).url;
  }

  /** `kill -9`: connections are refused from here on. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  figures(): Promise<SandboxFigures> {
    return this.#ask("GET", "/sandbox/stats");
  }

  setFault(fault: object): Promise<SetFault> {
    return this.#ask("POST", "/sandbox/faults", fault);
  }

  async faults(): Promise<SetFault[]> {
    return (await this.#ask<{ faults: SetFault[] }>("GET", "/sandbox/faults")).faults;
  }

  async clearFaults(id?: number): Promise<void> {
    await this.#ask("DELETE", id === undefined ? "/sandbox/faults" : `/sandbox/faults/${id}`);
  }

  /** So many at once, at rest, that nobody has asked for. */
  async populate(servers: { count: number; label_prefix: string; tags: string[] }): Promise<void> {
    await this.#ask("POST", "/sandbox/populate", servers);
  }

  /** Deletes behind the owner's back. */
  async vanish(ids: number[]): Promise<void> {
    await this.#ask("POST", "/sandbox/vanish", { ids });
  }

  /** Labels of all servers by their ids, as its API lists them; faults are to be cleared before. */
  async servers(): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const answer = await fetch(`${this.#url}/v4/linode/instances?page=${page}&page_size=500`, {
        headers: { authorization: `Bearer ${this.token}` },
      });
      if (answer.status === 429) {
        await pause(Number(answer.headers.get("retry-after") ?? 1) * 1_000);
        page -= 1;
        continue;
      }
      const body = (await answer.json()) as { pages: number; data: { id: number; label: string }[] };
      ({ pages } = body);
      for (const { id, label } of body.data) found.set(String(id), label);
    }
    return found;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new SandboxRefused(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}

export class SandboxRefused extends Error {
  override readonly name = "SandboxRefused";
}
