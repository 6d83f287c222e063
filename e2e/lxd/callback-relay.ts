import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a rule does with a callback before (`hold`) or after (`lose`) the server has seen it. */
export interface CallbackRule {
  /** Resolves when the callback may go on to the server. */
  hold?(stage: string): Promise<void>;
  /** Called once the server has the whole request; the server's answer is dropped when it returns true. */
  lose?(stage: string): boolean;
}

/**
 * Stands on the bridge's address between the instances and the server: the server can be killed while a callback is on
 * its way, and come back on the same address.
 */
export class CallbackRelay {
  rule: CallbackRule = {};
  /** Where the server's callback listener is now. */
  targetPort = 0;
  readonly #server = createServer((incoming, answer) => void this.#relay(incoming, answer));
  readonly #host: string;

  constructor(host: string) {
    this.#host = host;
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, this.#host, resolve);
    });
    return `http://${this.#host}:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #relay(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const stage = stageOf(body);
    if (stage) await this.rule.hold?.(stage);
    const forward = request(
      {
        host: "127.0.0.1",
        port: this.targetPort,
        path: incoming.url,
        method: incoming.method,
        headers: incoming.headers,
      },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
        response.once("error", () => answer.destroy());
      },
    );
    forward.once("error", () => answer.destroy());
    forward.once("finish", () => {
      if (stage && this.rule.lose?.(stage)) {
        answer.destroy();
        forward.destroy();
      }
    });
    forward.end(body);
  }
}

function stageOf(body: Buffer): string | undefined {
  try {
    return (JSON.parse(body.toString()) as { stage?: string }).stage;
  } catch {
    return undefined;
  }
}
