import { ProvostError, type Listed, type Orphan, type OrphanPolicy, type SweepView } from "@provost/contract";
import type { JobManager } from "@provost/jobs";
import type { Selectable } from "kysely";
import { z } from "zod";
import type { ProviderService } from "../accounts/provider-service.ts";
import { costUsd } from "../instances/cost.ts";
import { iso } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import type { OrphanDoor } from "../surface.ts";
import { pricesOf } from "../sweeps/prices.ts";
import { fleetDb, type OrphanTable } from "../sweeps/tables.ts";
import type { OrphanJob } from "./orphan-job.ts";
import { destroyOrphan, readOrphan } from "./orphan-records.ts";
import { sweepView } from "./sweep-view.ts";

const pageMax = 500;
const addresses = z.array(z.string());

/** What the provider has with our tag and we do not know (C13): shown with its age and cost, destroyed when somebody says so. */
export class OrphanService implements OrphanDoor {
  readonly #store: Store;
  readonly #providers: ProviderService;
  readonly #manager: JobManager;
  readonly #job: OrphanJob;

  constructor(parts: { store: Store; providers: ProviderService; manager: JobManager; job: OrphanJob }) {
    this.#store = parts.store;
    this.#providers = parts.providers;
    this.#manager = parts.manager;
    this.#job = parts.job;
  }

  /** By provider and id; `next` is the provider's name, a slash and the id of the page's last. */
  async list(query: { provider?: string; after?: string; limit: number }): Promise<Listed<Orphan>> {
    const limit = Math.min(Math.max(Math.trunc(query.limit), 1), pageMax);
    let select = fleetDb(this.#store)
      .selectFrom("control_orphan")
      .selectAll()
      .orderBy("account")
      .orderBy("provider_id")
      .limit(limit + 1);
    if (query.provider !== undefined) {
      await this.#providers.get(query.provider);
      select = select.where("account", "=", query.provider);
    }
    if (query.after !== undefined) {
      const [account = "", ...id] = query.after.split("/");
      const last = id.join("/");
      select = select.where((eb) =>
        eb.or([eb("account", ">", account), eb.and([eb("account", "=", account), eb("provider_id", ">", last)])]),
      );
    }
    const rows = await select.execute();
    const items = await this.#views(rows.slice(0, limit));
    const last = items.at(-1);
    return rows.length > limit && last !== undefined
      ? { items, next: `${last.provider}/${last.providerId}` }
      : { items };
  }

  /** Throws `provider_not_found`, `orphan_not_found`. */
  async get(provider: string, providerId: string): Promise<Orphan> {
    const row = await readOrphan(this.#store, provider, providerId);
    const [view] = await this.#views(row === undefined ? [] : [row]);
    if (view === undefined) throw await this.#notFound(provider, providerId);
    return view;
  }

  /**
   * Begins its end; it leaves the list when the provider says that it is gone. What is being destroyed is answered as it stands.
   *
   * @throws ProvostError `provider_not_found`, `orphan_not_found`.
   */
  async destroy(provider: string, providerId: string): Promise<Orphan> {
    const row = await readOrphan(this.#store, provider, providerId);
    if (row === undefined) throw await this.#notFound(provider, providerId);
    const now = await this.#store.now();
    await this.#store.write(async (write) => {
      if (!(await destroyOrphan(write, row, now))) return;
      await this.#manager.enqueue(this.#job.request(provider, providerId), { tx: write.tx });
    });
    return this.get(provider, providerId);
  }

  /** Throws `provider_not_found`. */
  async setPolicy(provider: string, policy: OrphanPolicy): Promise<void> {
    const before = await this.#providers.get(provider);
    const now = await this.#store.now();
    await this.#store.write(async (write) => {
      await fleetDb(write)
        .updateTable("control_provider")
        .set({ orphan_policy: policy })
        .where("name", "=", provider)
        .execute();
      if (before.orphans === policy) return;
      await write.audit({
        at: now,
        action: "provider.orphan-policy",
        target: { name: provider },
        before: { orphans: before.orphans },
        after: { orphans: policy },
      });
    });
  }

  /** By provider. */
  async sweeps(): Promise<SweepView[]> {
    const rows = await fleetDb(this.#store)
      .selectFrom("control_sweep")
      .leftJoin("control_feed", "control_feed.account", "control_sweep.account")
      .selectAll("control_sweep")
      .select("control_feed.read_at as feed_read_at")
      .orderBy("control_sweep.account")
      .execute();
    return rows.map(sweepView);
  }

  async #notFound(provider: string, providerId: string): Promise<ProvostError> {
    await this.#providers.get(provider);
    return new ProvostError(
      "orphan_not_found",
      `${JSON.stringify(providerId.slice(0, 80))} is no orphan of ${provider}: see provost orphan list.`,
      { field: "providerId" },
    );
  }

  async #views(rows: readonly Selectable<OrphanTable>[]): Promise<Orphan[]> {
    const now = await this.#store.now();
    const prices = new Map<string, ReadonlyMap<string, number>>();
    for (const account of new Set(rows.map((row) => row.account))) {
      prices.set(account, await this.#prices(account));
    }
    return rows.map((row) => orphanView(row, prices.get(row.account)?.get(row.type), now));
  }

  /** An orphan whose price is not to be had now is shown without. */
  async #prices(account: string): Promise<ReadonlyMap<string, number>> {
    try {
      return await pricesOf(this.#providers, (await this.#providers.open(account)).account);
    } catch (error) {
      if (error instanceof ProvostError) return new Map();
      throw error;
    }
  }
}

function orphanView(row: Selectable<OrphanTable>, monthlyUsd: number | undefined, now: number): Orphan {
  const since = Date.parse(row.created_at ?? "");
  const bornAt = Number.isNaN(since) ? Number(row.first_seen_at) : since;
  return {
    provider: row.account,
    providerId: row.provider_id,
    name: row.name,
    instanceId: row.instance_id,
    status: row.status_text,
    region: row.region,
    type: row.type,
    ipv4: addresses.parse(JSON.parse(row.ipv4)),
    ...(row.created_at === null ? {} : { createdAt: row.created_at }),
    firstSeenAt: iso(Number(row.first_seen_at)),
    lastSeenAt: iso(Number(row.last_seen_at)),
    ...(monthlyUsd === undefined ? {} : { monthlyUsd, costUsd: costUsd({ monthlyUsd }, now - bornAt) }),
    destroying: row.destroying_at !== null,
  };
}
