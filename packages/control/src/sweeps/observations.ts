import { sql, type Kysely } from "kysely";
import type { ProviderInstance } from "../providers/provider.ts";
import { instant } from "../storage/rows.ts";
import type { Write } from "../storage/store.ts";
import { changeOf, type Change, type KnownInstance } from "./drift.ts";
import type { Look } from "./look-at.ts";
import { fleetDb, type FleetDatabase } from "./tables.ts";

/** What a provider said of one instance, and when it was asked. */
export interface Reading {
  row: KnownInstance;
  seen: ProviderInstance;
  /** Before the provider was asked, by the store's clock. */
  at: number;
}

/** Columns that a reading is compared with. */
const knownColumns = [
  "id",
  "provider_id",
  "provider_name",
  "region",
  "type",
  "monthly_usd",
  "status",
  "task",
  "archived_at",
  "accepted_at",
  "observed_at",
  "observed_status",
  "observed_text",
  "observed_backups",
  "ipv4",
  "ipv6",
  "absent_sweep",
] as const;

/** The instances of an account, to be narrowed down. */
export function selectKnown(db: Kysely<FleetDatabase>, account: string) {
  return db.selectFrom("control_instance").select(knownColumns).where("provider", "=", account);
}

type Selected = Awaited<ReturnType<ReturnType<typeof selectKnown>["execute"]>>[number];

export function known(row: Selected): KnownInstance {
  return {
    ...row,
    archived_at: instant(row.archived_at),
    accepted_at: instant(row.accepted_at),
    observed_at: instant(row.observed_at),
  };
}

/**
 * Writes what is new in the readings, all of it in one statement, and tells of it. Monotonic (C10): a row that was read later,
 * or that a task has taken meanwhile, stays as it is. The account's sweep row is locked by the caller, so that a page and a
 * look know of each other. Returns the rows whose plan is another one.
 *
 * @param of a `page` is kept with its time as a whole, so that what it has not changed is not written; a `look` is kept with its row.
 */
export async function writeReadings(
  write: Write,
  of: "page" | "look",
  readings: readonly Reading[],
): Promise<KnownInstance[]> {
  const changes = readings.flatMap(({ row, seen, at }) => {
    if (row.observed_at !== null && row.observed_at >= at) return [];
    const change = changeOf(row, seen);
    return change.isNew || of === "look" ? [{ row, at, change }] : [];
  });
  if (changes.length === 0) return [];
  const written = await update(write, changes);
  const applied = changes.filter(({ row }) => written.has(row.id));
  await write.events(
    applied.flatMap(({ row, at, change: { told } }) =>
      told === undefined ? [] : [{ instanceId: row.id, at, kind: told.kind, message: told.message }],
    ),
  );
  return applied.filter(({ row, change }) => change.columns.type !== row.type).map(({ row }) => row);
}

interface Written {
  row: KnownInstance;
  at: number;
  change: Change;
}

async function update(write: Write, changes: readonly Written[]): Promise<Set<string>> {
  const values = changes.map(({ row, at, change: { columns } }) => {
    const { observed_status, observed_text, ipv4, ipv6, provider_name, type, status, observed_backups } = columns;
    const texts = [
      row.id,
      row.status,
      row.task,
      observed_status,
      observed_text,
      ipv4,
      ipv6,
      provider_name,
      type,
      status,
    ];
    const cells = [
      ...texts.map((text) => sql`cast(${text} as text)`),
      sql`cast(${observed_backups} as integer)`,
      sql`cast(${at} as bigint)`,
    ];
    return sql`(${sql.join(cells)})`;
  });
  const result = await sql<{ id: string }>`
    with seen (id, was, task, observed_status, observed_text, ipv4, ipv6, provider_name, type, status, backups, read_at)
      as (values ${sql.join(values)})
    update control_instance set
      observed_status = seen.observed_status, observed_text = seen.observed_text, ipv4 = seen.ipv4, ipv6 = seen.ipv6,
      provider_name = seen.provider_name, type = seen.type, status = seen.status, observed_backups = seen.backups,
      observed_at = seen.read_at, absent_sweep = null, gone_sweep = null
    from seen
    where control_instance.id = seen.id and control_instance.status = seen.was
      and control_instance.task is not distinct from seen.task
      and (control_instance.observed_at is null or control_instance.observed_at < seen.read_at)
    returning control_instance.id as id`.execute(fleetDb(write));
  return new Set(result.rows.map(({ id }) => id));
}

/** Takes the account's sweep row: from here to the end of the transaction nothing else that was read is written. */
export async function lockReadings(write: Write, account: string): Promise<void> {
  await fleetDb(write)
    .updateTable("control_sweep")
    .set((eb) => ({ number: eb.ref("number") }))
    .where("account", "=", account)
    .execute();
}

/**
 * What looks by id say, beside the rows as they are now: without those that a sweep has read since, whose page may have found
 * nothing new to write. Inside the transaction, behind `lockReadings`.
 */
export async function stillNew(write: Write, account: string, looks: readonly Look[]): Promise<Reading[]> {
  const seen = looks.filter((look): look is Look & { seen: ProviderInstance } => look.seen !== undefined);
  if (seen.length === 0) return [];
  const db = fleetDb(write);
  const rows = await selectKnown(db, account)
    .select((eb) =>
      eb
        .selectFrom("control_sweep_page as page")
        .select("page.read_at")
        .where("page.account", "=", account)
        .whereRef("page.upto_key", ">=", "control_instance.provider_key")
        .orderBy("page.upto_key")
        .limit(1)
        .as("read_at"),
    )
    .where(
      "id",
      "in",
      seen.map(({ row }) => row.id),
    )
    .execute();
  const now = new Map(rows.map((row) => [row.id, row]));
  return seen.flatMap(({ row: { id }, seen: instance, at }) => {
    const row = now.get(id);
    return row === undefined || Number(row.read_at ?? 0) >= at ? [] : [{ row: known(row), seen: instance, at }];
  });
}

/** One reading of a task's own, by the same rule: not over a later one, be it in the row or of a sweep that found nothing new. */
export async function observeOne(
  write: Write,
  id: string,
  observation: { observed_status: string; observed_text: string; observed_at: number; ipv4: string; ipv6: string },
): Promise<void> {
  const at = observation.observed_at;
  const db = fleetDb(write);
  // The same order of locks as a page's: the account's sweep, then the row.
  await db
    .updateTable("control_sweep")
    .set((eb) => ({ number: eb.ref("number") }))
    .where("account", "=", (eb) => eb.selectFrom("control_instance").select("provider").where("id", "=", id))
    .execute();
  await db
    .updateTable("control_instance")
    .set(observation)
    .where("id", "=", id)
    .where((eb) => eb.or([eb("observed_at", "is", null), eb("observed_at", "<", at)]))
    .where(
      sql<boolean>`coalesce((select p.read_at from control_sweep_page p
        where p.account = control_instance.provider and p.upto_key >= control_instance.provider_key
        order by p.upto_key limit 1), 0) < ${at}`,
    )
    .execute();
}
