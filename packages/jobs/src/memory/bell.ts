import { createSocket, type Socket, type SocketOptions } from "node:dgram";
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * How the processes of a host tell one another that a ticket's turn has come (L12), or, with an SQLite file, that jobs are ready: a datagram to the
 * other's port on loopback, which costs some 50 µs and the store nothing. A NOTIFY would wake all who listen in the database for one of
 * them: with a hundred waiting processes that was most of the work. It is a hint: it may be lost, and who hears one of something it does
 * not know forgets it.
 */
export class Bell {
  readonly #heard: (message: string) => void;
  #socket: Socket | undefined;
  #opening: Promise<string | undefined> | undefined;

  constructor(heard: (message: string) => void) {
    this.#heard = heard;
  }

  /** Where this process is rung; undefined where it cannot be: then it looks by itself. Never rejects. */
  address(): Promise<string | undefined> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  ring(address: string, message: string): void {
    const [port = "", network] = address.split("@");
    // Lost is lost: the other looks by itself now and then.
    if (network === networkHere) this.#socket?.send(message, Number(port), "127.0.0.1", () => undefined);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#opening = undefined;
  }

  #open(): Promise<string | undefined> {
    return new Promise((resolve) => {
      const socket = createSocket({ type: "udp4", lookup: isAddress });
      socket.unref();
      socket.on("message", (bytes) => this.#heard(bytes.toString("utf8")));
      // Closed before it was bound: whoever waits for the address goes on without.
      socket.on("close", () => resolve(undefined));
      socket.on("error", () => {
        if (this.#socket === socket) this.#socket = undefined;
        resolve(undefined);
      });
      socket.bind(0, "127.0.0.1", () => resolve(`${socket.address().port}@${networkHere}`));
      this.#socket = socket;
    });
  }
}

/** True when the process at this address can be rung from here, and can ring here. */
export function isInEarshot(address: string): boolean {
  return address.endsWith(`@${networkHere}`);
}

/** Nothing to look up: a datagram goes out within the call, ahead of whatever the caller says next. */
const isAddress: NonNullable<SocketOptions["lookup"]> = (address, _options, done) => done(null, address, 4);

/** Containers of one machine have loopbacks of their own. */
const networkHere = networkOf();

function networkOf(): string {
  try {
    return readlinkSync("/proc/self/ns/net").replaceAll(/\D/g, "");
  } catch {
    return hostname();
  }
}
