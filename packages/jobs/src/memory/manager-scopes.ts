import type { Clock } from "../manager/clock.ts";
import type { LeaseGuard } from "../manager/lease-guard.ts";
import type { Transporter } from "../transporters/transporter.ts";
import { MemoryHost, type PermitLost } from "./channel.ts";
import { HostScope } from "./host-scope.ts";
import { ManagerScope } from "./manager-scope.ts";
import { NamedTable } from "./named-table.ts";
import type { Scopes } from "./scope.ts";
import { StoreScope } from "./store-scope.ts";
import { TableSemaphores } from "./table-semaphores.ts";
import { Waiters } from "./waiters.ts";

export interface ManagerScopesOptions {
  transporter: Pick<Transporter, "permits" | "memory" | "capabilities" | "remote">;
  /** Renews what is held of hosts and stores while the event loop is blocked (L9). */
  guard: Pick<LeaseGuard, "permits">;
  leaseMs: number;
  hostFolder: string | undefined;
  clock: Clock;
  random: () => number;
}

/** The shortest pause of the first in line between two looks: one at a file of this host is cheap, one over a network is not. */
const pauseFirstMs = { host: 1, network: 5 } as const;

/** A thread's place at its manager's table of semaphores; goes there with its start (`workerData`). */
export interface ThreadSeat {
  buffer: SharedArrayBuffer;
  seat: number;
}

/** One isolated process at its manager. */
export interface IsolatedMemory {
  /** Answers what it asks. */
  host: MemoryHost;
  /** For threads: what makes semaphores of the manager's scope a matter of shared memory. Undefined: no seat is left, or no thread. */
  seat: ThreadSeat | undefined;
  /** It is gone: all that it held is given back. Awaited, safe to call twice. */
  close(): Promise<void>;
}

/** All semaphores and memory that a manager can reach (L12), and those who reach them through it. */
export class ManagerScopes {
  readonly scopes: Scopes;
  readonly #freeSeats = Array.from({ length: NamedTable.seats - 1 }, (_, index) => index + 1);
  readonly #table = new NamedTable(NamedTable.allocate(), 0);
  readonly #own = new TableSemaphores(this.#table);
  readonly #waiters = new Waiters();
  readonly #store: StoreScope;
  readonly #host: HostScope;

  constructor(options: ManagerScopesOptions) {
    const { transporter, guard } = options;
    const { permits, memory, capabilities } = transporter;
    const shared = { ...options, waiters: this.#waiters };
    const first = capabilities.manyHosts ? pauseFirstMs.network : pauseFirstMs.host;
    const table = async () => (transporter.remote === undefined ? undefined : await guard.permits(transporter.remote));
    this.#store = new StoreScope({ ...shared, permits, memory, table, pauseFirstMs: first });
    this.#host = new HostScope({ ...shared, folder: options.hostFolder, pauseFirstMs: pauseFirstMs.host });
    this.scopes = { manager: new ManagerScope(this.#own), host: this.#host, store: this.#store };
  }

  start(): void {
    this.#own.start();
    this.#host.start();
    this.#store.start();
  }

  /** Ends all waiting with `manager_stopped`, tells holders of permits of hosts and stores that they are lost. Awaited, safe to call twice. */
  async stop(): Promise<void> {
    this.#own.stop();
    await Promise.all([this.#host.stop(), this.#store.stop()]);
    this.#waiters.stop();
  }

  /**
   * For a thread or child process that is being started.
   *
   * @param isThread it can share memory. @param tell carries the word of a lost permit there.
   */
  connect(isThread: boolean, tell: (lost: PermitLost) => void): IsolatedMemory {
    const seat = isThread ? this.#freeSeats.pop() : undefined;
    const host = new MemoryHost(this.scopes, tell);
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await host.close();
      if (seat === undefined) return;
      await this.#table.abandon(seat);
      this.#freeSeats.push(seat);
    };
    return {
      host,
      seat: seat === undefined ? undefined : { buffer: this.#table.buffer, seat },
      close: () => {
        closing ??= close();
        return closing;
      },
    };
  }
}
