import type { ProviderInstance } from "../providers/provider.ts";
import type { Write } from "../storage/store.ts";
import type { KnownInstance } from "./drift.ts";
import { fleetDb } from "./tables.ts";

/** A page and what the store knows of it. */
interface SeenPage {
  account: string;
  sweep: number;
  deployment: string;
  page: { items: readonly ProviderInstance[] };
  at: number;
  rows: readonly KnownInstance[];
  live: ReadonlyMap<string, KnownInstance>;
  graceMs: number;
}

/** C13: what carries this deployment's tag and is in no row of ours. Kept with the sweep that saw it last. */
export async function orphansOf(write: Write, seen: SeenPage): Promise<void> {
  const tagged = seen.page.items.filter(
    ({ id, owner, status }) =>
      owner?.deployment === seen.deployment && !seen.live.has(id) && status !== "destroying" && !lags(seen, id),
  );
  if (tagged.length === 0) return;
  const db = fleetDb(write);
  const owners = [...new Set(tagged.map(({ owner }) => owner?.instance ?? ""))];
  // A create whose answer is not in yet will find it by name and tag (C4).
  const coming = await db
    .selectFrom("control_instance")
    .select("id")
    .where("id", "in", owners)
    .where("provider_id", "is", null)
    .where("task", "is not", null)
    .execute();
  const awaited = new Set(coming.map(({ id }) => id));
  for (const each of tagged) {
    if (each.owner === undefined || awaited.has(each.owner.instance)) continue;
    const values = {
      name: each.name,
      instance_id: each.owner.instance,
      status: each.status,
      status_text: each.statusText,
      region: each.region,
      type: each.type,
      ipv4: JSON.stringify(each.ipv4),
      last_seen_at: seen.at,
      last_sweep: seen.sweep,
    };
    await db
      .insertInto("control_orphan")
      .values({
        account: seen.account,
        provider_id: each.id,
        ...values,
        created_at: each.createdAt ?? null,
        first_seen_at: seen.at,
        destroying_at: null,
      })
      .onConflict((conflict) => conflict.columns(["account", "provider_id"]).doUpdateSet(values))
      .execute();
  }
}

/** Just ended here: the list may lag behind. */
function lags({ rows, at, graceMs }: SeenPage, id: string): boolean {
  return rows.some(({ provider_id: known, observed_at: seenAt }) => known === id && (seenAt ?? 0) > at - graceMs);
}
