import { createServer, type RequestListener, type Server } from "node:http";
import { ProvostError } from "@provost/contract";
import { errorCode, messageOf } from "./error-code.ts";

/**
 * A port that is taken before anything else is made, so that a taken one leaves nothing half-made. Until `attach` it
 * answers 503.
 */
export class Listener {
  readonly server: Server;
  #handler: RequestListener = (_request, response) => {
    response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1" });
    response.end(
      '{"status":503,"code":"server_unavailable","detail":"The server is starting. Ask again in a second."}',
    );
  };

  private constructor() {
    this.server = createServer((request, response) => this.#handler(request, response));
    this.server.requestTimeout = 30_000;
    this.server.headersTimeout = 10_000;
  }

  /**
   * Listens on the first of `ports` that is free; 0 is any free one.
   *
   * @param names which settings to name in an error.
   * @throws ProvostError `port_in_use`, `config_invalid` for an address that this machine does not have.
   */
  static async open(host: string, ports: number[], names: { port: string; host: string }): Promise<Listener> {
    for (const [index, port] of ports.entries()) {
      const listener = new Listener();
      try {
        await listener.#listen(host, port);
        return listener;
      } catch (error) {
        if (errorCode(error) === "EADDRINUSE" && index + 1 < ports.length) continue;
        throw refused(host, port, names, error);
      }
    }
    throw new ProvostError("internal", `No port was given to listen on at ${host}.`);
  }

  /** The address others reach it at; a wildcard address shows as loopback. */
  get url(): string {
    const bound = this.server.address();
    if (bound === null || typeof bound === "string") throw new ProvostError("internal", "The listener is closed.");
    const { address, family, port } = bound;
    const host =
      address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "[::1]" : family === "IPv6" ? `[${address}]` : address;
    return `http://${host}:${port}`;
  }

  attach(handler: RequestListener): void {
    this.#handler = handler;
  }

  /** Stops listening, gives what is being answered `graceMs`, then cuts. Safe to call twice. */
  async close(graceMs: number): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeIdleConnections();
    const cut = setTimeout(() => this.server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(cut);
  }

  #listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, () => {
        this.server.off("error", reject);
        resolve();
      });
    });
  }
}

function refused(host: string, port: number, names: { port: string; host: string }, error: unknown): ProvostError {
  const code = errorCode(error);
  if (code === "EADDRINUSE") {
    return new ProvostError(
      "port_in_use",
      `Port ${port} on ${host} is taken by another program. Stop it, or choose another with ${names.port} (0: any free one).`,
      { field: names.port, cause: error },
    );
  }
  if (code === "EACCES") {
    return new ProvostError(
      "config_invalid",
      `${names.port} is ${port}: this user may not listen there. Choose one from 1024 up.`,
      { field: names.port, cause: error },
    );
  }
  return new ProvostError(
    "config_invalid",
    `${names.host} is "${host}": this machine cannot listen there (${code || messageOf(error)}). Give one of its own addresses, 127.0.0.1 or 0.0.0.0.`,
    { field: names.host, cause: error },
  );
}
