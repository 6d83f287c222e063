import { createHash } from "node:crypto";
import { fleetSizeMax, ProvostError, type FleetAction } from "@provost/contract";
import { sql, type Kysely, type SqlBool } from "kysely";
import type { Database } from "../storage/schema.ts";
import { likePattern, parseFilter, type Term } from "./filter.ts";

/** What a fleet command is about. */
export interface Selection {
  action: FleetAction;
  type?: string | undefined;
  filter?: string | undefined;
  instances?: readonly string[] | undefined;
}

export interface Selected {
  id: string;
  name: string;
  status: string;
}

/** Names and ids in one read. */
const chunk = 500;

/**
 * The live instances that are meant, by id.
 *
 * @throws ProvostError `invalid_request`, `instance_not_found`, `fleet_empty`, `fleet_too_large`.
 */
export async function selected(db: Kysely<Database>, selection: Selection): Promise<Selected[]> {
  const { filter, instances, action, type } = selection;
  if ((action === "resize") !== (type !== undefined)) {
    throw new ProvostError("invalid_request", `The type belongs to a resize, and a resize needs one.`, {
      field: "type",
    });
  }
  if ((filter === undefined) === (instances === undefined)) {
    throw new ProvostError("invalid_request", "Give a filter, or instances by name or id: one of the two.", {
      field: "filter",
    });
  }
  const found = filter === undefined ? await named(db, instances ?? []) : await fitting(db, parseFilter(filter));
  if (found.length === 0) throw new ProvostError("fleet_empty", "No live instance fits: nothing was begun.");
  if (found.length <= fleetSizeMax) return found.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  throw new ProvostError(
    "fleet_too_large",
    `More than ${fleetSizeMax} instances fit: split them up by region, type or name.`,
    { field: "filter" },
  );
}

/** Stands for exactly this to be done to exactly these. */
export function previewOf({ action, type }: Selection, of: readonly Selected[]): string {
  const what = JSON.stringify([action, type ?? null, ...of.map(({ id }) => id)]);
  return createHash("sha256").update(what).digest("hex").slice(0, 32);
}

async function fitting(db: Kysely<Database>, terms: Term[]): Promise<Selected[]> {
  // Builders are no user's instances (C2).
  let select = live(db)
    .where("builder_of", "is", null)
    .limit(fleetSizeMax + 1);
  for (const { field, values } of terms) {
    const anyOf = values.map((value): ReturnType<typeof sql<SqlBool>> => {
      if (field === "protected") return sql<SqlBool>`protected = ${value === "yes" ? 1 : 0}`;
      // In quotes each.
      if (field === "tag") return sql<SqlBool>`tags like ${`%"${likePattern(value)}"%`} escape '\\'`;
      return sql<SqlBool>`${sql.ref(field)} like ${likePattern(value)} escape '\\'`;
    });
    select = select.where((eb) => eb.or(anyOf));
  }
  return select.execute();
}

async function named(db: Kysely<Database>, refs: readonly string[]): Promise<Selected[]> {
  const wanted = [...new Set(refs)];
  const found = new Map<string, Selected>();
  for (let from = 0; from < wanted.length; from += chunk) {
    const some = wanted.slice(from, from + chunk);
    const rows = await live(db)
      .where((eb) => eb.or([eb("id", "in", some), eb("name", "in", some)]))
      .execute();
    for (const row of rows) found.set(row.id, row);
    const known = new Set(rows.flatMap(({ id, name }) => [id, name]));
    const missing = some.find((ref) => !known.has(ref));
    if (missing !== undefined) {
      const shown = JSON.stringify(missing.slice(0, 80));
      throw new ProvostError("instance_not_found", `There is no live instance ${shown}: nothing was begun.`, {
        field: "instances",
      });
    }
  }
  return [...found.values()];
}

function live(db: Kysely<Database>) {
  return db
    .selectFrom("control_instance")
    .select(["id", "name", "status"])
    .where("archived_at", "is", null)
    .orderBy("id");
}
