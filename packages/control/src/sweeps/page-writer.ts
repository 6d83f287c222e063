import { sql } from "kysely";
import type { Page, ProviderInstance } from "../providers/provider.ts";
import type { Store, Write } from "../storage/store.ts";
import type { KnownInstance } from "./drift.ts";
import { known, lockReadings, selectKnown, writeReadings } from "./observations.ts";
import { keyOf, lastKey } from "./order.ts";
import { orphansOf } from "./orphans-seen.ts";
import { endedStatuses, fleetDb, type SweepLineTable } from "./tables.ts";

/** A page as it was read. */
interface ReadPage {
  account: string;
  sweep: number;
  line: Pick<SweepLineTable, "line" | "cursor" | "from_key" | "until_key" | "version">;
  page: Page<ProviderInstance>;
  /** Before it was asked for, by the store's clock. */
  at: number;
  /** How long its answer took, and pages take on average, in ms. */
  tookMs: number;
  pageMs: number;
  /** When this line's next one is due. */
  nextAt: number;
  /** Ids have an order: a page is a range of them. */
  ordered: boolean;
  deployment: string;
}

/** `lost`: another has written this page. `ended`: the sweep is over with it, or goes on to look for what it did not show. */
type PageEnd = { end: "lost" | "next" | "line" | "ended"; retyped: KnownInstance[] };

/** What is accepted within so many ms before a page is asked for need not be in it: lists lag behind creates. */
interface PageRules {
  vanishGraceMs: number;
}

/**
 * Writes one page of a sweep in one transaction (C10): the line's cursor by compare-and-set, what is new in the instances, and
 * which of the range are absent. A page of which nothing is new costs a handful of statements and writes no instance's row.
 */
export async function writePage(store: Store, read: ReadPage, rules: PageRules): Promise<PageEnd> {
  return store.write(async (write) => {
    // First: a sweep that begins takes its locks in this order too.
    await lockReadings(write, read.account);
    if (!(await moved(write, read))) return { end: "lost", retyped: [] };
    await counted(write, read);
    const rows = await rowsOf(write, read);
    const live = new Map(rows.filter(isLive).map((row) => [row.provider_id ?? "", row]));
    const readings = read.page.items.flatMap((seen) => {
      const row = live.get(seen.id);
      return row === undefined ? [] : [{ row, seen, at: read.at }];
    });
    const retyped = await writeReadings(write, "page", readings);
    await (read.ordered
      ? rangeRead(write, read, rows, rules)
      : pageSeen(
          write,
          read,
          readings.map(({ row }) => row.id),
        ));
    await orphansOf(write, { ...read, rows, live, graceMs: rules.vanishGraceMs });
    if (read.page.next !== undefined) return { end: "next", retyped };
    return { end: (await sweepEnded(write, read, rules)) ? "ended" : "line", retyped };
  });
}

/** Of two sweepers with the same page the first has it; the other's reading is older or the same. */
async function moved(write: Write, { account, sweep, line, page, nextAt, ordered }: ReadPage): Promise<boolean> {
  const { next } = page;
  const last = page.items.at(-1);
  const row = await fleetDb(write)
    .updateTable("control_sweep_line")
    .set((eb) => ({
      cursor: next ?? line.cursor,
      from_key: ordered && last !== undefined ? keyOf(last.id) : line.from_key,
      next_at: nextAt,
      done: next === undefined ? 1 : 0,
      version: eb("version", "+", 1),
    }))
    .where("account", "=", account)
    .where("line", "=", line.line)
    .where("sweep", "=", sweep)
    .where("version", "=", line.version)
    .returning("line")
    .executeTakeFirst();
  return row !== undefined;
}

async function counted(write: Write, { account, page, pageMs }: ReadPage): Promise<void> {
  await fleetDb(write)
    .updateTable("control_sweep")
    .set((eb) => ({
      pages: eb("pages", "+", 1),
      seen: eb("seen", "+", page.items.length),
      page_ms: Math.round(pageMs),
    }))
    .where("account", "=", account)
    .execute();
}

async function rowsOf(write: Write, read: ReadPage): Promise<KnownInstance[]> {
  const select = selectKnown(fleetDb(write), read.account);
  const ids = read.page.items.map(({ id }) => id);
  if (!read.ordered) return ids.length === 0 ? [] : (await select.where("provider_id", "in", ids).execute()).map(known);
  const rows = await select
    .where("provider_key", ">", read.line.from_key)
    .where("provider_key", "<=", endKey(read))
    .execute();
  return rows.map(known);
}

function isLive({ status }: KnownInstance): boolean {
  return !endedStatuses.some((ended) => ended === status);
}

/** The key up to which a page tells of everything. */
function endKey({ page, line }: ReadPage): string {
  const last = page.items.at(-1);
  return page.next !== undefined && last !== undefined ? keyOf(last.id) : line.until_key;
}

/** The range was read now, and what should be in it and is not is marked: it counts when the sweep has ended well. */
async function rangeRead(write: Write, read: ReadPage, rows: KnownInstance[], rules: PageRules): Promise<void> {
  const { account, sweep, at, page, line } = read;
  const db = fleetDb(write);
  const upto = endKey(read);
  await db
    .deleteFrom("control_sweep_page")
    .where("account", "=", account)
    .where("upto_key", ">", line.from_key)
    .where("upto_key", "<=", upto)
    .execute();
  const uptoId = upto === lastKey ? "" : (page.items.at(-1)?.id ?? "");
  await db.insertInto("control_sweep_page").values({ account, upto_key: upto, upto_id: uptoId, read_at: at }).execute();
  const shown = new Set(page.items.map(({ id }) => id));
  const absent = rows.filter((row) => !shown.has(row.provider_id ?? "") && isMissed(row, at, rules));
  if (absent.length === 0) return;
  await db
    .updateTable("control_instance")
    .set({ absent_sweep: sweep })
    .where(
      "id",
      "in",
      absent.map(({ id }) => id),
    )
    .execute();
}

/** Should it be in a page asked for at `at`? What has a task is its flow's to look for. */
function isMissed(row: KnownInstance, at: number, { vanishGraceMs }: PageRules): boolean {
  if (!isLive(row) || row.task !== null || row.status === "missing") return false;
  return (row.accepted_at ?? at) < at - vanishGraceMs && (row.observed_at ?? 0) < at;
}

/** Without an order pages are no ranges: each row says for itself which sweep has seen it last. */
async function pageSeen(write: Write, { sweep, at }: ReadPage, ids: string[]): Promise<void> {
  if (ids.length === 0) return;
  await fleetDb(write)
    .updateTable("control_instance")
    .set({
      seen_sweep: sweep,
      observed_at: sql<number>`case when observed_at > ${at} then observed_at else ${at} end`,
    })
    .where("id", "in", ids)
    .execute();
}

/** The last line's last page ends the sweep. True then. */
async function sweepEnded(write: Write, read: ReadPage, rules: PageRules): Promise<boolean> {
  const { account, sweep, at, ordered } = read;
  const db = fleetDb(write);
  const lines = await db.selectFrom("control_sweep_line").select("done").where("account", "=", account).execute();
  if (lines.some(({ done }) => done === 0)) return false;
  const now = await db.selectFrom("control_sweep").selectAll().where("account", "=", account).executeTakeFirstOrThrow();
  if (now.errors > 0) {
    // Observations were as good as ever; of absence it tells nothing.
    await db.updateTable("control_sweep").set({ state: "idle" }).where("account", "=", account).execute();
    return true;
  }
  if (!ordered) await unseen(write, account, now.number, Number(now.began_at) - rules.vanishGraceMs);
  await db.deleteFrom("control_orphan").where("account", "=", account).where("last_sweep", "<", sweep).execute();
  await db
    .updateTable("control_sweep")
    .set((eb) => ({
      state: "confirming",
      complete: sweep,
      complete_began_at: sql<number>`began_at`,
      complete_ended_at: at + Math.round(read.tookMs),
      complete_pages: eb.ref("pages"),
      complete_seen: eb.ref("seen"),
      complete_lines: lines.length,
    }))
    .where("account", "=", account)
    .execute();
  return true;
}

async function unseen(write: Write, account: string, sweep: number, acceptedBefore: number): Promise<void> {
  await fleetDb(write)
    .updateTable("control_instance")
    .set({ absent_sweep: sweep })
    .where("provider", "=", account)
    .where("provider_id", "is not", null)
    .where("task", "is", null)
    .where("status", "not in", [...endedStatuses, "missing"])
    .where("accepted_at", "<", acceptedBefore)
    .where((eb) => eb.or([eb("seen_sweep", "is", null), eb("seen_sweep", "<", sweep)]))
    .execute();
}
