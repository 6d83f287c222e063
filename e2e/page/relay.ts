import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** The wire between the page and the server: it can be cut, or go dumb as it does for a laptop that sleeps. */
export class Relay {
  readonly #target: () => string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #dumb = false;

  /** `target` is asked at each connection: a server that comes back may be elsewhere. */
  constructor(target: () => string) {
    this.#target = target;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Begins, or goes on at the same port after `cut`. */
  async open(): Promise<void> {
    this.#dumb = false;
    this.#server = createServer((from) => this.#carry(from));
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (typeof address === "object" && address !== null) this.#port = address.port;
  }

  /** Every connection ends, and none can be made. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Nothing comes through any more, and neither end is told. */
  silence(): void {
    this.#dumb = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  #carry(from: Socket): void {
    const { hostname, port } = new URL(this.#target());
    const to = connect(Number(port), hostname);
    for (const socket of [from, to]) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        this.#sockets.delete(socket);
        from.destroy();
        to.destroy();
      });
    }
    if (this.#dumb) return;
    from.pipe(to);
    to.pipe(from);
  }
}
