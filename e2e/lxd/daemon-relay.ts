import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";

/** What happens to a create on its way; whatever is not named is passed on. */
export interface CreateRule {
  /** Before the daemon sees the request: true drops it there. */
  before?(): boolean;
  /** The daemon has accepted; true drops its answer. */
  accepted?(): boolean;
  /** The answer has left for the server. */
  answered?(): void;
}

/** A unix socket between the server and the real daemon: counts accepted creates and lets a proof strike at an exact point. */
export class DaemonRelay {
  rule: CreateRule = {};
  createsSeen = 0;
  createsAccepted = 0;
  readonly #daemonSocket: string;
  readonly #tunnels = new Set<Socket>();
  readonly #folder = mkdtempSync(join(tmpdir(), "provost-relay-"));
  readonly socket = join(this.#folder, "unix.socket");
  readonly #server = createServer((incoming, answer) => this.#relay(incoming, answer));

  constructor(daemonSocket: string) {
    this.#daemonSocket = daemonSocket;
  }

  async start(): Promise<void> {
    // The daemon's feed of events is a websocket: bytes both ways.
    this.#server.on("upgrade", (incoming, socket, head) => this.#tunnel(incoming, socket, head));
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.socket, resolve);
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    for (const daemon of this.#tunnels) daemon.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  reset(rule: CreateRule): void {
    this.rule = rule;
    this.createsSeen = 0;
    this.createsAccepted = 0;
  }

  #tunnel(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const daemon = connect(this.#daemonSocket, () => {
      const headers = incoming.rawHeaders.flatMap((each, at, all) => (at % 2 === 0 ? [`${each}: ${all[at + 1]}`] : []));
      daemon.write([`${incoming.method} ${incoming.url} HTTP/1.1`, ...headers, "", ""].join("\r\n"));
      daemon.write(head);
      daemon.pipe(socket).pipe(daemon);
    });
    this.#tunnels.add(daemon);
    daemon.once("close", () => this.#tunnels.delete(daemon) && socket.destroy());
    daemon.once("error", () => socket.destroy());
    socket.once("error", () => daemon.destroy());
  }

  #relay(incoming: IncomingMessage, answer: ServerResponse): void {
    const isCreate =
      incoming.method === "POST" && new URL(incoming.url ?? "/", "http://daemon").pathname === "/1.0/instances";
    if (isCreate) {
      this.createsSeen += 1;
      if (this.rule.before?.()) {
        answer.destroy();
        return;
      }
    }
    const forward = request(
      { socketPath: this.#daemonSocket, path: incoming.url, method: incoming.method, headers: incoming.headers },
      (response) => {
        const accepted = isCreate && response.statusCode === 202;
        if (accepted) {
          this.createsAccepted += 1;
          if (this.rule.accepted?.()) {
            answer.destroy();
            response.resume();
            return;
          }
        }
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
        if (accepted) answer.once("finish", () => this.rule.answered?.());
      },
    );
    forward.once("error", () => answer.destroy());
    incoming.pipe(forward);
  }
}
