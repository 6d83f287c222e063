import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { DocumentedApi, RecordedRequest } from "./documented-api.ts";

/** What to answer instead of the documented example. */
export interface GivenAnswer {
  status: number;
  headers?: Record<string, string>;
  body: unknown;
}

/**
 * A provider that answers each request with the example of its own official description, and keeps every request with what
 * the description does not know of it.
 */
export class DocumentedServer {
  readonly requests: (RecordedRequest & { operation: string | undefined })[] = [];
  readonly violations: string[] = [];
  /** By operation: in place of the documented example. */
  readonly answers: Record<string, GivenAnswer> = {};
  readonly #api: DocumentedApi;
  readonly #prefix: string;
  readonly #sockets = new Set<Duplex>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  /** `prefix`: what stands before the description's paths, like `/v4`. */
  constructor(api: DocumentedApi, prefix = "") {
    this.#api = api;
    this.#prefix = prefix;
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex) => this.#upgrade(request, socket));
  }

  /** On a free port of loopback, or on a unix socket. Returns the port. */
  async listen(socketPath?: string): Promise<number> {
    if (socketPath === undefined) this.#server.listen(0, "127.0.0.1");
    else this.#server.listen(socketPath);
    await once(this.#server, "listening");
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  async close(): Promise<void> {
    this.hangUp();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Sends a text to every open websocket. */
  push(message: unknown): void {
    const text = Buffer.from(JSON.stringify(message));
    const head = text.length < 126 ? [0x81, text.length] : [0x81, 126, text.length >> 8, text.length & 0xff];
    for (const socket of this.#sockets) socket.write(Buffer.concat([Buffer.from(head), text]));
  }

  /** Ends every open websocket. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += String(chunk);
    const operation = this.#record(request, body);
    const documented = operation === undefined ? undefined : this.#api.operations[operation]?.answer;
    const given = operation === undefined ? undefined : this.answers[operation];
    response.writeHead(given?.status ?? documented?.status ?? 404, {
      "content-type": "application/json",
      ...given?.headers,
    });
    response.end(JSON.stringify(given === undefined ? (documented?.example ?? {}) : given.body));
  }

  #record(request: IncomingMessage, body: string): string | undefined {
    const recorded: RecordedRequest = {
      method: request.method ?? "",
      url: (request.url ?? "").slice(this.#prefix.length),
      headers: request.headers,
      body,
    };
    const operation = this.#api.nameOf(recorded.method, recorded.url);
    this.requests.push({ ...recorded, operation });
    this.violations.push(...this.#api.violations(recorded));
    return operation;
  }

  /** RFC 6455's handshake. */
  #upgrade(request: IncomingMessage, socket: Duplex): void {
    this.#record(request, "");
    const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash("sha1").update(key).digest("base64");
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    this.#sockets.add(socket);
  }
}
