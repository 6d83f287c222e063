import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** How long an instance takes to go down in this cloud, in ms: a quarter of its boot. */
export const shutdownMs = 500;

/** What the sandbox says no to. */
class CloudRefused extends Error {
  override readonly name = "CloudRefused";
  readonly code = "cloud_refused";
}

/** The sandbox in a process of its own, with Linode's limits in force; the proof has a token, and so a budget, of its own. */
export class Cloud {
  readonly token = randomBytes(16).toString("hex");
  readonly #own = randomBytes(16).toString("hex");
  readonly #child: ChildProcess;
  url = "";

  constructor(rateScale: number) {
    const main = join(import.meta.dirname, "../../packages/sandbox/src/main.ts");
    const flags = ["--port", "0", "--boot-ms", String(shutdownMs * 4), "--rate-scale", String(rateScale)];
    this.#child = spawn(process.execPath, ["--conditions=source", main, ...flags, "--token", this.#own], {
      env: { ...process.env, PROVOST_SANDBOX_TOKEN: this.token },
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
  }

  async start(): Promise<void> {
    const line = await new Promise<string>((resolve) => createInterface(this.#child.stdout!).once("line", resolve));
    this.url = (JSON.parse(line) as { url: string }).url;
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exit;
  }

  /** So many at once; returns the first id and the last. */
  async populate(count: number, tags: string[]): Promise<{ first_id: number; last_id: number }> {
    return this.#call("POST", "/sandbox/populate", { count, tags });
  }

  async vanish(ids: number[]): Promise<void> {
    await this.#call("POST", "/sandbox/vanish", { ids });
  }

  async shutdown(id: number): Promise<void> {
    await this.#call("POST", `/v4/linode/instances/${id}/shutdown`, {});
  }

  async failPages(probability: number, forMs: number): Promise<void> {
    await this.#call("POST", "/sandbox/faults", {
      kind: "error_before",
      method: "GET",
      path: "/v4/linode/instances",
      probability,
      for_ms: forMs,
    });
  }

  async stats(): Promise<{ deletes_accepted: number; requests_rate_limited: number; faults_applied: number }> {
    return this.#call("GET", "/sandbox/stats");
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#own}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new CloudRefused(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}
