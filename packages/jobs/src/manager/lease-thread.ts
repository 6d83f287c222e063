import { writeSync } from "node:fs";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { failureOf } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { RemoteRenewal, Renewer } from "../transporters/transporter.ts";
import { type HeldTicket, PermitTable } from "./lease-permits.ts";
import type { FromLeaseThread, KeptLeases, LeaseThreadData, ToLeaseThread } from "./lease-protocol.ts";
import { sharedNowUs, LeaseTable, type LeaseEntry } from "./lease-table.ts";

/**
 * The entry of the lease thread (L9). In ordinary times the event loop renews when two thirds of a lease are left, and this
 * thread finds nothing to do. What has half of its lease left shows that the loop is late or blocked: it is renewed here.
 * What was claimed and had not begun when the loop was blocked is given back, for another manager to run. Permits that handlers or
 * the program hold are renewed in the same way (L12).
 */

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by `lease-guard.ts`
const data = workerData as LeaseThreadData;
const leaseUs = data.leaseMs * 1_000;
const looksPerLease = 10;

type Post = (message: FromLeaseThread) => void;

/** The leases of one table. */
interface Keeper {
  look(): void;
}

class AttemptLeases implements Keeper {
  readonly #renewer: Renewer;
  readonly #post: Post;
  readonly #table: LeaseTable;
  /** What this thread knows better than the table, which only the event loop writes. */
  readonly #until = new Map<number, { turn: bigint; untilUs: number }>();
  readonly #returned = new Map<number, bigint>();
  readonly #reported = new Map<number, bigint>();
  #calls = 0;

  constructor(table: SharedArrayBuffer, renewer: Renewer, post: Post) {
    this.#table = new LeaseTable({ buffer: table });
    this.#renewer = renewer;
    this.#post = post;
  }

  look(): void {
    const now = sharedNowUs();
    const isBlocked = now - this.#table.lastBeatUs > data.unstartedMs * 1_000;
    const due: LeaseEntry[] = [];
    const unstarted: LeaseEntry[] = [];
    for (const entry of this.#table.entries()) {
      if (this.#isUnstarted(entry, isBlocked)) unstarted.push(entry);
      else if (entry.progress === "begun" && this.#untilUs(entry) - now <= leaseUs / 2) due.push(entry);
      if (entry.progress === "begun" && entry.stuckAtUs !== undefined && entry.stuckAtUs < now) this.#stuck(entry, now);
    }
    for (const known of [this.#until, this.#reported, this.#returned])
      for (const row of known.keys()) if (!this.#table.isHeld(row)) known.delete(row);
    // Two calls at most: one that hangs leaves room for one on a new connection.
    if (this.#calls >= 2) return;
    for (let from = 0; from < due.length; from += limits.batchJobsMax) {
      void this.#renew(due.slice(from, from + limits.batchJobsMax));
    }
    for (let from = 0; from < unstarted.length; from += limits.batchJobsMax) {
      void this.#giveBack(unstarted.slice(from, from + limits.batchJobsMax));
    }
  }

  /** Ours to give back: it has not begun and the loop is blocked, or an earlier try did not reach the store. */
  #isUnstarted(entry: LeaseEntry, isBlocked: boolean): boolean {
    if (entry.progress === "given-back") return this.#returned.get(entry.row) !== entry.turn;
    return entry.progress === "waiting" && isBlocked && this.#table.giveBack(entry);
  }

  async #giveBack(unstarted: readonly LeaseEntry[]): Promise<void> {
    this.#calls += 1;
    try {
      await this.#renewer.giveBack(unstarted.map(({ id, fence, version }) => ({ id, fence, version })));
      for (const { row, turn } of unstarted) this.#returned.set(row, turn);
      this.#post({ givenBack: unstarted.length });
    } catch (thrown) {
      this.#post({ failed: failureOf(thrown, "store_unavailable") });
    } finally {
      this.#calls -= 1;
    }
  }

  #untilUs({ row, turn, untilUs }: LeaseEntry): number {
    const known = this.#until.get(row);
    return known?.turn === turn ? Math.max(known.untilUs, untilUs) : untilUs;
  }

  async #renew(due: readonly LeaseEntry[]): Promise<void> {
    this.#calls += 1;
    const untilUs = sharedNowUs() + leaseUs;
    try {
      const states = await this.#renewer.renew(due.map(({ id, fence }) => ({ id, fence, leaseMs: data.leaseMs })));
      const renewed = due.flatMap(({ row, turn, id, fence }, index) => {
        const state = states[index];
        if (state === undefined) return [];
        // What is lost is never asked for again.
        this.#until.set(row, { turn, untilUs: state === "lost" ? Infinity : untilUs });
        return [{ id, fence, state, untilUs }];
      });
      this.#post({ renewed });
    } catch (thrown) {
      this.#post({ failed: failureOf(thrown, "store_unavailable") });
    } finally {
      this.#calls -= 1;
    }
  }

  /** A loop that still turns reports by itself; of one that does not, only this thread can tell. */
  #stuck({ row, turn, id, fence }: LeaseEntry, now: number): void {
    const blockedMs = Math.round((now - this.#table.lastBeatUs) / 1_000);
    if (blockedMs < data.leaseMs / 2 || this.#reported.get(row) === turn) return;
    this.#reported.set(row, turn);
    const consequence = data.onStuck === "exit" ? "ending the process" : "it keeps its lease";
    writeSync(
      2,
      `@provost/jobs: job ${id} (fence ${fence}) is past its timeout and grace, and the event loop has been blocked for ${blockedMs} ms: ${consequence}\n`,
    );
    if (data.onStuck === "exit") process.kill(process.pid, "SIGKILL");
  }
}

/** Permits have no step of their own and nothing to give back: what the store answers goes into the table, where the event loop sees it. */
class PermitLeases implements Keeper {
  readonly #renewer: Renewer;
  readonly #post: Post;
  readonly #table: PermitTable;
  #calls = 0;

  constructor(table: SharedArrayBuffer, renewer: Renewer, post: Post) {
    this.#table = new PermitTable({ buffer: table });
    this.#renewer = renewer;
    this.#post = post;
  }

  look(): void {
    if (this.#calls >= 2) return;
    const now = sharedNowUs();
    const due = [...this.#table.tickets()].filter(({ untilUs }) => untilUs - now <= leaseUs / 2);
    for (let from = 0; from < due.length; from += limits.batchJobsMax) {
      void this.#renew(due.slice(from, from + limits.batchJobsMax));
    }
  }

  async #renew(due: readonly HeldTicket[]): Promise<void> {
    this.#calls += 1;
    const untilUs = sharedNowUs() + leaseUs;
    try {
      const states = await this.#renewer.renewPermits(due.map(({ ticket }) => ({ ticket, leaseMs: data.leaseMs })));
      for (const [index, held] of due.entries()) {
        this.#table.answered(held, states[index] === "renewed" ? untilUs : undefined);
      }
    } catch (thrown) {
      this.#post({ failed: failureOf(thrown, "store_unavailable") });
    } finally {
      this.#calls -= 1;
    }
  }
}

const keepers = { attempts: AttemptLeases, permits: PermitLeases } as const;

function serve(port: MessagePort): void {
  const post: Post = (message) => port.postMessage(message);
  const kept: Keeper[] = [];
  const renewers: Promise<Renewer>[] = [];
  const keep = async ({ number, of, table, remote }: KeptLeases): Promise<void> => {
    try {
      const opening = openRenewer(remote);
      renewers.push(opening);
      kept.push(new keepers[of](table, await opening, post));
      post({ kept: number });
    } catch (thrown) {
      // The thread ends, and is started again by the manager with all that it is to keep.
      post({ failed: failureOf(thrown, "store_unavailable") });
      await close();
    }
  };
  const timer = setInterval(() => {
    for (const keeper of kept) keeper.look();
  }, data.leaseMs / looksPerLease);
  const close = async (): Promise<void> => {
    clearInterval(timer);
    const opened = await Promise.allSettled(renewers);
    await Promise.allSettled(opened.map(async (each) => each.status === "fulfilled" && (await each.value.close())));
    port.close();
  };
  port.on("message", (message: ToLeaseThread) => void (message === "close" ? close() : keep(message.keep)));
}

async function openRenewer({ module, options }: RemoteRenewal): Promise<Renewer> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as `RemoteRenewal` asks
  const loaded = (await import(module)) as { openRenewer: (options: unknown) => Promise<Renewer> };
  return await loaded.openRenewer(options);
}

if (parentPort !== null) serve(parentPort);
