import { writeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { failureOf } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Renewer } from "../transporters/transporter.ts";
import type { FromLeaseThread, LeaseThreadData } from "./lease-protocol.ts";
import { sharedNowUs, LeaseTable, type LeaseEntry } from "./lease-table.ts";

/**
 * The entry of the lease thread (L9). In ordinary times the event loop renews when two thirds of a lease are left, and this
 * thread finds nothing to do. What has half of its lease left shows that the loop is late or blocked: it is renewed here.
 * What was claimed and had not begun when the loop was blocked is given back, for another manager to run.
 */

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by `lease-guard.ts`
const data = workerData as LeaseThreadData;
const leaseUs = data.leaseMs * 1_000;
const looksPerLease = 10;

class LeaseThread {
  readonly #renewer: Renewer;
  readonly #post: (message: FromLeaseThread) => void;
  readonly #table = new LeaseTable({ buffer: data.table });
  /** What this thread knows better than the table, which only the event loop writes. */
  readonly #until = new Map<number, { turn: bigint; untilUs: number }>();
  readonly #returned = new Map<number, bigint>();
  readonly #reported = new Map<number, bigint>();
  #calls = 0;

  constructor(renewer: Renewer, post: (message: FromLeaseThread) => void) {
    this.#renewer = renewer;
    this.#post = post;
  }

  look(): void {
    const now = sharedNowUs();
    const isBlocked = now - this.#table.lastBeatUs > data.unstartedMs * 1_000;
    const due: LeaseEntry[] = [];
    const unstarted: LeaseEntry[] = [];
    const seen = new Set<number>();
    for (const entry of this.#table.entries()) {
      seen.add(entry.row);
      if (this.#isUnstarted(entry, isBlocked)) unstarted.push(entry);
      else if (entry.progress === "begun" && this.#untilUs(entry) - now <= leaseUs / 2) due.push(entry);
      if (entry.progress === "begun" && entry.stuckAtUs !== undefined && entry.stuckAtUs < now) this.#stuck(entry, now);
    }
    for (const row of this.#until.keys()) if (!seen.has(row)) this.#until.delete(row);
    for (const row of this.#reported.keys()) if (!seen.has(row)) this.#reported.delete(row);
    for (const row of this.#returned.keys()) if (!seen.has(row)) this.#returned.delete(row);
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

if (parentPort !== null) {
  const port = parentPort;
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
  const post = (message: FromLeaseThread): void => port.postMessage(message);
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as `RemoteRenewal` asks
    const { openRenewer } = (await import(data.remote.module)) as {
      openRenewer: (options: unknown) => Promise<Renewer>;
    };
    const renewer = await openRenewer(data.remote.options);
    const thread = new LeaseThread(renewer, post);
    const timer = setInterval(() => thread.look(), data.leaseMs / looksPerLease);
    port.once("message", () => {
      clearInterval(timer);
      void renewer.close().finally(() => port.close());
    });
    post({ started: true });
  } catch (thrown) {
    post({ failed: failureOf(thrown, "store_unavailable") });
    port.close();
  }
}
