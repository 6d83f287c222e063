import type { DeliveryChange, ImageChange, OrphanChange, ProviderChange } from "@provost/contract";
import type { ProviderService } from "../accounts/provider-service.ts";
import { FleetRecords } from "../fleets/fleet-records.ts";
import { fleetRow, fleetView } from "../fleets/fleet-rows.ts";
import type { ImageDatabase } from "../images/tables.ts";
import type { Store } from "../storage/store.ts";
import type { WatchedTopic } from "../surface.ts";
import { fleetDb } from "../sweeps/tables.ts";

/** Of each kind at most so many are watched, the newest where there is an order (L14). */
const fleetsMax = 100;
const newestFleets = 20;
const imagesMax = 200;
const orphansMax = 500;
const deliveriesMax = 200;

/** What the page shows besides instances: few of each, so that all are read and compared with what was told. Some short reads in a second. */
export function watchedTopics(store: Store, providers: ProviderService): WatchedTopic[] {
  return [
    { name: "fleet", role: "viewer", read: (before) => fleets(store, before) },
    { name: "image", role: "viewer", read: () => images(store) },
    { name: "orphan", role: "viewer", read: () => orphans(store) },
    { name: "provider", role: "viewer", read: () => states(providers) },
    // As with webhooks themselves: seeing them is managing them.
    { name: "delivery", role: "admin", read: () => deliveries(store) },
  ];
}

/** Those under way, and the newest: one may begin and end between two looks. */
async function fleets(store: Store, before: ReadonlyMap<string, object>): Promise<Map<string, object>> {
  const records = new FleetRecords(store);
  const newest = store.db.selectFrom("control_fleet").selectAll().orderBy("id", "desc").limit(newestFleets);
  const open = store.db.selectFrom("control_fleet").selectAll().where("ended_at", "is", null).limit(fleetsMax);
  const rows = [...(await open.execute()), ...(await newest.execute())];
  const found = new Map<string, object>();
  for (const row of rows) {
    const known = before.get(row.id);
    const isOver = known !== undefined && "endedAt" in known;
    if (found.has(row.id)) continue;
    found.set(row.id, isOver ? known : fleetView(fleetRow(row), await records.counts(row.id)));
  }
  return found;
}

async function images(store: Store): Promise<Map<string, ImageChange>> {
  const rows = await store.db
    .withTables<ImageDatabase>()
    .selectFrom("control_image")
    .select(["id", "name", "status", "step"])
    .orderBy("id", "desc")
    .limit(imagesMax)
    .execute();
  return new Map(
    rows.map(({ id, name, status, step }) => [id, { id, name, status, ...(status === "baking" ? { step } : {}) }]),
  );
}

async function orphans(store: Store): Promise<Map<string, OrphanChange>> {
  const rows = await fleetDb(store)
    .selectFrom("control_orphan")
    .select(["account", "provider_id", "name", "destroying_at"])
    .orderBy("account")
    .orderBy("provider_id")
    .limit(orphansMax)
    .execute();
  return new Map(
    rows.map(({ account: provider, provider_id: providerId, name, destroying_at: since }) => [
      `${provider}/${providerId}`,
      { provider, providerId, name, destroying: since !== null },
    ]),
  );
}

async function states(providers: ProviderService): Promise<Map<string, ProviderChange>> {
  const [names, circuits, braked] = await Promise.all([
    providers.list(),
    providers.circuits.list(),
    providers.brakes.list(),
  ]);
  return new Map(
    names.map(({ name }) => [
      name,
      {
        name,
        circuits: circuits.filter(({ account }) => account === name).map(({ region, state }) => ({ region, state })),
        braked: braked.some(({ account }) => account === name),
      },
    ]),
  );
}

async function deliveries(store: Store): Promise<Map<string, DeliveryChange>> {
  const rows = await store.db
    .selectFrom("control_webhook_delivery")
    .select(["id", "webhook_id", "event", "status", "attempts", "instance_id"])
    .orderBy("created_at", "desc")
    .limit(deliveriesMax)
    .execute();
  return new Map(
    rows.map(({ id, webhook_id: webhookId, event, status, attempts, instance_id: instanceId }) => [
      id,
      { id, webhookId, event, status, attempts, ...(instanceId === null ? {} : { instanceId }) },
    ]),
  );
}
