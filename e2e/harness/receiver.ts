import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Failure, Instance } from "@provost/contract";

/** What a webhook tells of an instance, and when it came, in ms since 1970. */
export interface Told {
  type: string;
  at: number;
  data: { instance: Instance; failure?: Failure };
}

/** A receiver of webhooks on loopback that takes everything. */
export class Receiver {
  readonly told: Told[] = [];
  readonly #server = createServer((request, response) => {
    void this.#take(request).finally(() => response.writeHead(204).end());
  });

  /** Returns its URL. */
  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage): Promise<void> {
    const at = Date.now();
    let text = "";
    for await (const chunk of request) text += String(chunk);
    this.told.push({ ...(JSON.parse(text) as Omit<Told, "at">), at });
  }
}
