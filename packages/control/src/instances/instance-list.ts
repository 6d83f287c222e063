import { countMax, instanceStatuses, ProvostError, type InstanceCounts, type InstanceFilter } from "@provost/contract";
import { sql, type Kysely, type RawBuilder, type SqlBool } from "kysely";
import type { Database } from "../storage/schema.ts";

/** What a list is asked for. */
export interface InstanceListQuery extends InstanceFilter {
  /** Failed ones that are still there to look at (C8). */
  failed?: boolean;
  /** Every record, builders too. */
  all?: boolean;
  after?: string;
  limit: number;
}

/** Of what fits a filter, so many are counted at most. */
const countedMax = 100_000;

/**
 * The ids of a page, newest first, and one more where there is one.
 *
 * Of live instances every one of these is answered from `control_instance_list`, in the order of its ids, and reads no row, save a search for an address on PostgreSQL; a list of one status
 * from `control_instance_status`. At 100,000 live instances the worst, a filter that nothing fits, is one pass over that index.
 */
export function idsOfPage(db: Kysely<Database>, query: InstanceListQuery) {
  let select = db
    .selectFrom("control_instance")
    .select("id")
    .orderBy("id", "desc")
    .limit(query.limit + 1);
  // Builders are no user's instances (C2).
  if (query.all !== true) select = select.where("builder_of", "is", null);
  if (query.failed === true) {
    // C8: shown until it is destroyed, released or adopted back.
    select = select
      .where("failure", "is not", null)
      .where("status", "<>", "destroyed")
      .where("status", "<>", "released");
  } else if (query.all !== true) {
    select = select.where("archived_at", "is", null);
  }
  if (query.after !== undefined) select = select.where("id", "<", query.after);
  for (const term of termsOf(query)) select = select.where(term);
  return select;
}

/** How many of each status; with a filter, of the newest 100,000 that fit. */
export function countsOfStatuses(db: Kysely<Database>, filter: InstanceFilter) {
  const live = () => db.selectFrom("control_instance").where("archived_at", "is", null).where("builder_of", "is", null);
  const terms = termsOf(filter);
  if (terms.length > 0) {
    let fitting = live().select("status").orderBy("id", "desc").limit(countedMax);
    for (const term of terms) fitting = fitting.where(term);
    return db
      .selectFrom(fitting.as("fitting"))
      .select((eb) => ["status", eb.fn.countAll<number | string>().as("count")])
      .groupBy("status");
  }
  const [first, ...others] = instanceStatuses.map((status) =>
    db
      .selectFrom(
        live()
          .where("status", "=", status)
          .select("status")
          .limit(countMax + 1)
          .as("one"),
      )
      .select((eb) => [sql.lit(status).as("status"), eb.fn.countAll<number | string>().as("count")]),
  );
  if (first === undefined) throw new ProvostError("internal", "There are no statuses.");
  return others.reduce((all, each) => all.unionAll(each), first);
}

export function countOfFailed(db: Kysely<Database>, filter: InstanceFilter) {
  const failed = idsOfPage(db, { ...filter, failed: true, limit: countMax });
  return db.selectFrom(failed.as("failed")).select((eb) => eb.fn.countAll<number | string>().as("count"));
}

export async function countsOf(db: Kysely<Database>, filter: InstanceFilter): Promise<InstanceCounts> {
  const [rows, failed] = await Promise.all([
    countsOfStatuses(db, filter).execute(),
    countOfFailed(db, filter).executeTakeFirst(),
  ]);
  const counted = rows.map(({ status, count }) => [status, Math.min(Number(count), countMax + 1)] as const);
  return {
    statuses: Object.fromEntries(counted.filter(([, count]) => count > 0)),
    failed: Number(failed?.count ?? 0),
  };
}

/** `like` throughout, though most have no wildcard: the one index in the order of ids answers all of them, and no planner may prefer another. */
function termsOf(filter: InstanceFilter): RawBuilder<SqlBool>[] {
  const { provider, region, status, type, tag, name, q } = filter;
  const statuses = status === undefined ? [] : checkedStatuses(status);
  const alone = [provider, region, type, tag, name, q].every((each) => each === undefined);
  const terms: (RawBuilder<SqlBool> | undefined)[] = [
    equal("provider", provider),
    equal("region", region),
    equal("type", type),
    anyOf(values(tag), (each) => like("tags", `%${literal(JSON.stringify(each))}%`)),
    anyOf(values(name), (each) => like("name", `${literal(each)}%`)),
    alone && statuses.length === 1
      ? sql<SqlBool>`status = ${statuses[0]}`
      : anyOf(statuses, (each) => like("status", literal(each))),
    q === undefined ? undefined : found(q),
  ];
  return terms.filter((term) => term !== undefined);
}

/** By id, by a part of an address, or by a part of the name, of a tag or of the id at the provider. Addresses alone cost a look at each row, on PostgreSQL. */
function found(q: string): RawBuilder<SqlBool> | undefined {
  if (/^in_[0-9a-z]{10,}$/.test(q)) return sql<SqlBool>`id = ${q}`;
  const part = `%${literal(q.toLowerCase())}%`;
  if (/^\d+\.[\d.]*$/.test(q)) return like("ipv4", part);
  return anyOf(["name", "tags", "provider_id"], (column) => like(column, part));
}

function equal(column: "provider" | "region" | "type", text: string | undefined) {
  return anyOf(values(text), (each) => like(column, literal(each)));
}

function like(column: string, pattern: string): RawBuilder<SqlBool> {
  return sql<SqlBool>`${sql.ref(column)} like ${pattern} escape '\\'`;
}

function anyOf(of: readonly string[], term: (value: string) => RawBuilder<SqlBool>): RawBuilder<SqlBool> | undefined {
  return of.length === 0 ? undefined : sql<SqlBool>`(${sql.join(of.map(term), sql` or `)})`;
}

function values(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** As `like` takes it where nothing stands for anything. */
function literal(value: string): string {
  return value.replaceAll(/[\\%_]/g, String.raw`\$&`);
}

function checkedStatuses(text: string): string[] {
  const known: readonly string[] = instanceStatuses;
  const given = values(text);
  const wrong = given.find((each) => !known.includes(each));
  if (wrong === undefined) return given;
  throw new ProvostError(
    "invalid_request",
    `status is ${JSON.stringify(wrong.slice(0, 80))}: give some of ${known.join(", ")}.`,
    { field: "status" },
  );
}
