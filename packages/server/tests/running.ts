import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox, type Sandbox } from "@provost/sandbox";
import { readConfig, Server } from "../src/index.ts";

const sandboxToken = "sandbox-token";

/** A whole server on a free port with a data folder of its own, and the sandbox in fast mode as its provider. */
export class Running {
  server: Server;
  readonly sandbox: Sandbox;
  readonly data: string;
  readonly token: string;

  private constructor(server: Server, sandbox: Sandbox, data: string) {
    this.server = server;
    this.sandbox = sandbox;
    this.data = data;
    this.token = readFileSync(join(data, "admin-token"), "utf8").trim();
  }

  static async start(env: Record<string, string> = {}): Promise<Running> {
    const data = mkdtempSync(join(tmpdir(), "provost-server-"));
    const sandbox = await startSandbox({ tokens: [sandboxToken], fast: true, rateLimits: false });
    const server = new Server(readConfig({ PROVOST_DATA: data, PROVOST_PORT: "0", ...env }), { logTo: "file" });
    await server.start();
    await server.control.providers.upsert({
      name: "sandbox",
      driver: "linode",
      endpoint: sandbox.url,
      token: sandboxToken,
      defaults: { region: "us-east", type: "g6-nanode-1", image: "private/1" },
    });
    return new Running(server, sandbox, data);
  }

  /** Another server on the same data folder, on another port. */
  async restart(): Promise<void> {
    await this.server.stop();
    this.server = new Server(readConfig({ PROVOST_DATA: this.data, PROVOST_PORT: "0" }), { logTo: "file" });
    await this.server.start();
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.sandbox.close();
    rmSync(this.data, { recursive: true, force: true });
  }

  log(): string {
    return readFileSync(join(this.data, "server.log"), "utf8");
  }

  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.server.url}${path}`, {
      method,
      redirect: "manual",
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
  }
}
