import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { vi } from "vitest";
import { z } from "zod";

const told = z.looseObject({ type: z.string(), timestamp: z.string(), data: z.looseObject({}) });

export interface Received {
  headers: IncomingHttpHeaders;
  path: string;
  text: string;
  body: z.infer<typeof told>;
}

/** A receiver of webhooks on loopback; answers as it is told to. */
export class Receiver {
  readonly received: Received[] = [];
  /** 204 unless set otherwise. */
  answer: (received: Received, response: ServerResponse) => void = (_received, response) =>
    response.writeHead(204).end();
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    receiver.#server.listen(0, "127.0.0.1");
    await once(receiver.#server, "listening");
    return receiver;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** The first delivery of this type, also one that has come already. */
  async has(type: string, count = 1): Promise<Received> {
    return vi.waitFor(
      () => {
        const found = this.received.filter(({ body }) => body.type === type)[count - 1];
        if (found !== undefined) return found;
        throw new Error(`${count} × ${type} is not among: ${this.received.map(({ body }) => body.type).join(" ")}`);
      },
      { timeout: 60_000, interval: 10 },
    );
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const body = told.parse(JSON.parse(text));
    const received = { headers: request.headers, path: request.url ?? "", text, body };
    this.received.push(received);
    this.answer(received, response);
  }
}

/** As a receiver checks it, from the text of Standard Webhooks: `v1,` and the HMAC of id, time and body. */
export function isSigned({ headers, text }: Received, secret: string): boolean {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const content = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${text}`;
  return headers["webhook-signature"] === `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}
