import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/** Where a strike comes: before the cloud has the call, when it has had its effect, or when the answer has left. */
export type Phase = "before" | "sent" | "answered";

export interface Strike {
  method: string;
  /** The end of the path: `/shutdown`. */
  ends: string;
  phase: Phase;
  /** The first call of that kind only. */
  strike(): void;
}

/** Between a server and the sandbox: strikes at an exact point of one call, and counts none. */
export class Relay {
  readonly #target: string;
  readonly #server: Server;
  strike: Strike | undefined;

  private constructor(target: string, server: Server) {
    this.#target = target;
    this.#server = server;
    server.on("request", (incoming, answer) => this.#relay(incoming, answer));
  }

  static async start(target: string): Promise<Relay> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Relay(target, server);
  }

  get url(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(incoming: IncomingMessage, answer: ServerResponse): void {
    const path = new URL(incoming.url ?? "/", "http://cloud").pathname;
    const armed = this.strike;
    const hit =
      armed !== undefined && armed.method === incoming.method && path.endsWith(armed.ends) ? armed : undefined;
    if (hit !== undefined) this.strike = undefined;
    if (hit?.phase === "before") {
      hit.strike();
      answer.destroy();
      return;
    }
    const { method, headers, url } = incoming;
    const forward = request(new URL(url ?? "/", this.#target), { method, headers }, (response) => {
      if (hit?.phase === "sent") {
        hit.strike();
        answer.destroy();
        response.resume();
        return;
      }
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
      if (hit !== undefined) answer.once("finish", () => hit.strike());
    });
    forward.once("error", () => answer.destroy());
    incoming.pipe(forward);
  }
}
