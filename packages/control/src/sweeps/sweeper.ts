import type { Account } from "../accounts/account.ts";
import type { Page, ProviderInstance } from "../providers/provider.ts";
import { Confirmer } from "./confirmer.ts";
import { sweeping, over, type SweepParts, type RunEnd } from "./sweep-parts.ts";
import type { PaceKeeper } from "./pace-keeper.ts";
import { writePage } from "./page-writer.ts";
import { averageMs, linesFor, nextDue } from "./plan.ts";
import { reprice } from "./prices.ts";
import type { LineRow, SweepRow } from "./sweep-book.ts";
import { troubleOf } from "./trouble.ts";

/** Pages that are due are read one behind the other for so long; then the slot is another's turn. */
const sliceMs = 5_000;
/** A pause as short as this is waited out. */
const shortWaitMs = 20;

/**
 * One run of one line of an account's sweep (C10): reads the page that is due and hands the cursor on, to the next run or, while
 * pages are due, to the next round. Never faster than the account's pace, never slower than its answers.
 */
export class Sweeper {
  readonly #parts: SweepParts;
  readonly #pace: PaceKeeper;
  readonly #confirmer: Confirmer;
  /** By account: how long the last page took here, with all that belongs to it, in ms. */
  readonly #lastPageMs = new Map<string, number>();

  constructor(parts: SweepParts, pace: PaceKeeper) {
    this.#parts = parts;
    this.#pace = pace;
    this.#confirmer = new Confirmer(parts);
  }

  /** Begins the account's next sweep where the last is over. Returns the lines that are to be run. */
  async begin(account: Account): Promise<number[]> {
    const { book, store, timings } = this.#parts;
    const now = await store.now();
    const before = await book.known(account.name, now);
    if (before.state === "confirming") return [0];
    if (before.state === "idle") {
      const ends = account.capabilities.idOrder === "none" ? [] : await book.pageEnds(account.name);
      const paceMs = await this.#pace.paceMs(account);
      const pages = ends.length;
      const lines = linesFor({ paceMs, pageMs: before.page_ms, pages, everyMs: timings.sweepEveryMs });
      await book.begin(before, { lines, ends, paceMs }, now);
    }
    return book.open(account.name);
  }

  async run(accountName: string, line: number, signal: AbortSignal): Promise<RunEnd> {
    const { book, providers, store } = this.#parts;
    const { account } = await providers.open(accountName);
    const until = performance.now() + sliceMs;
    for (;;) {
      const began = performance.now();
      const sweep = await book.read(accountName);
      if (sweep?.state === "confirming" && line === 0) return this.#confirmer.run(account, sweep.number, signal);
      const row = await book.line(accountName, line);
      if (sweep?.state !== "running" || row === undefined || row.done === 1 || row.sweep !== sweep.number) return over;
      const waitMs = Number(row.next_at) - (await store.now());
      if (waitMs > shortWaitMs || performance.now() > until) return { end: "later", afterMs: Math.max(waitMs, 1) };
      const end = await this.#page(account, sweep, row, signal);
      if (end !== undefined) return end;
      this.#lastPageMs.set(accountName, performance.now() - began);
    }
  }

  /** Undefined: go on. */
  async #page(account: Account, sweep: SweepRow, row: LineRow, signal: AbortSignal): Promise<RunEnd | undefined> {
    const { book, store, timings, log } = this.#parts;
    const { idOrder, pageMax } = account.capabilities;
    const at = await store.now();
    const since = performance.now();
    let page: Page<ProviderInstance>;
    try {
      page = await account.call(
        (provider, call) =>
          provider.list(
            {
              limit: pageMax,
              ...(row.cursor === null ? {} : { cursor: row.cursor }),
              ...(row.until_id === null ? {} : { until: row.until_id }),
            },
            call,
          ),
        signal,
        sweeping,
      );
    } catch (error) {
      const trouble = troubleOf(error, timings.unreachableRetryMs);
      if (trouble.failed && !signal.aborted) {
        await book.failed(account.name, sweep.number, trouble.message);
        log.warn({ provider: account.name, err: error }, "a page of a sweep could not be read");
      }
      return trouble.afterMs === undefined ? over : { end: "later", afterMs: trouble.afterMs };
    }
    const lines = await book.open(account.name);
    const linePaceMs = (await this.#pace.paceMs(account)) * Math.max(lines.length, 1);
    const now = await store.now();
    const tookMs = performance.now() - since;
    const read = {
      account: account.name,
      sweep: sweep.number,
      line: row,
      page,
      at,
      tookMs,
      pageMs: averageMs(sweep.page_ms, this.#lastPageMs.get(account.name) ?? tookMs),
      nextAt: Math.round(nextDue(Number(row.next_at), now, linePaceMs)),
      ordered: idOrder !== "none",
      deployment: this.#parts.deployment(),
    };
    const { end, retyped } = await writePage(store, read, timings);
    if (retyped.length > 0) await reprice(this.#parts, account, retyped);
    if (end === "lost" || end === "line") return over;
    return undefined;
  }
}
