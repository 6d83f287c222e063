import { namePattern, nameRule, ProvostError, type AdoptRequest, type Instance } from "@provost/contract";
import { sql } from "kysely";
import type { OpenAccount, ProviderService } from "../accounts/provider-service.ts";
import { asProvostError } from "../accounts/provider-words.ts";
import { instanceId, randomText } from "../ids.ts";
import type { Log, Timings } from "../options.ts";
import { forgetOrphan } from "../orphans/orphan-records.ts";
import type { Owner, ProviderInstance } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { Store, Write } from "../storage/store.ts";
import type { AdoptionDoor } from "../surface.ts";
import { pricesOf } from "../sweeps/prices.ts";
import { endedStatuses, fleetDb } from "../sweeps/tables.ts";
import { InstanceReader } from "./instance-reader.ts";
import type { InstanceViews } from "./instance-views.ts";
import { settledStatus } from "./settled-status.ts";

interface AdoptionParts {
  store: Store;
  views: InstanceViews;
  providers: ProviderService;
  timings: Timings;
  log: Log;
  deployment: () => string;
}

/** A server that is to be an instance. */
interface Found {
  open: OpenAccount;
  seen: ProviderInstance;
  name: string;
  id: string;
  now: number;
}

/** Servers that are taken in and let go of (C13, C8): by our mark at the provider, and a record here. */
export class AdoptionService implements AdoptionDoor {
  readonly #parts: AdoptionParts;
  readonly #reader: InstanceReader;

  constructor(parts: AdoptionParts) {
    this.#parts = parts;
    this.#reader = new InstanceReader(parts.store, parts.views);
  }

  /**
   * Makes a server that is there already an instance: one of anybody's making, an orphan, or a failed instance's, which is adopted back.
   * The mark comes first: cut off between the two, it is an orphan, which is seen and can be adopted again.
   *
   * @throws ProvostError `provider_not_found`, `server_not_found`, `server_known`, `server_owned`, `invalid_name`, `name_taken`,
   *   `provider_unavailable`, `provider_refused`.
   */
  async adopt(request: AdoptRequest): Promise<Instance> {
    const { provider, providerId } = request;
    const open = await this.#parts.providers.open(provider);
    const seen = await this.#seen(open, providerId);
    const before = await this.#known(fleetDb(this.#parts.store), provider, seen.id);
    if (before !== undefined && before.status !== "failed") throw isKnown(before, seen);
    const name = checkedName(request.name ?? before?.name ?? fitted(seen.name));
    await this.#refuseTaken(name);
    if (before !== undefined) return this.#back(before.id, seen, name);
    if (seen.owner !== undefined && seen.owner.deployment !== this.#parts.deployment()) throw isOwned(seen, seen.owner);
    const now = await this.#parts.store.now();
    const found = { open, seen, name, id: instanceId(now), now };
    await this.#mark(open, seen, { deployment: this.#parts.deployment(), instance: found.id });
    try {
      await this.#insert(found);
    } catch (error) {
      // Somebody was quicker: the mark goes back to what it was.
      if (error instanceof ProvostError) await this.#mark(open, seen, seen.owner).catch(() => undefined);
      throw error;
    }
    this.#parts.log.info({ instance: found.id, provider, providerId }, "a server was adopted");
    return this.#reader.get(found.id);
  }

  /**
   * Takes our mark off the server and closes its record; the server itself stays as it is. One that is released already is
   * answered as it stands.
   *
   * @throws ProvostError `instance_not_found`, `task_in_progress`, `provider_unavailable`, `provider_refused`.
   */
  async release(ref: string): Promise<Instance> {
    const row = await this.#reader.row(ref);
    if (endedStatuses.some((ended) => ended === row.status)) return this.#reader.get(row.id);
    if (row.task !== null) throw busy(row);
    await this.#unmark(row);
    const now = await this.#parts.store.now();
    await this.#parts.store.write(async (write) => {
      const changed = await fleetDb(write)
        .updateTable("control_instance")
        .set({ status: "released", archived_at: row.archived_at ?? now, absent_sweep: null, root_password: null })
        .where("id", "=", row.id)
        .where("task", "is", null)
        .where("status", "=", row.status)
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) throw busy(row);
      const message = `Released: its server ${row.provider_id ?? ""} is not ours any more, and stays as it is`;
      await write.event({ instanceId: row.id, at: now, kind: "released", message });
      await write.audit({
        at: now,
        action: "instance.release",
        target: { id: row.id, name: row.name },
        before: { status: row.status, providerId: row.provider_id },
        after: { status: "released" },
      });
    });
    return this.#reader.get(row.id);
  }

  async #seen({ account }: OpenAccount, providerId: string): Promise<ProviderInstance> {
    const seen = await this.#asked(account.name, () =>
      account.call((provider, call) => provider.get(providerId, call), undefined, {}),
    );
    if (seen !== undefined && seen.status !== "destroying") return seen;
    const what = seen === undefined ? "has no server" : "is destroying its server";
    throw new ProvostError("server_not_found", `${account.name} ${what} ${JSON.stringify(providerId.slice(0, 80))}.`, {
      field: "providerId",
    });
  }

  async #asked<T>(account: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw asProvostError(error, account);
    }
  }

  async #mark({ account }: OpenAccount, seen: ProviderInstance, owner: Owner | undefined): Promise<void> {
    await this.#asked(account.name, () =>
      account.call((provider, call) => provider.setOwner(seen.id, owner, call), undefined, { region: seen.region }),
    );
  }

  /** A server that is gone has no mark to be taken off; another's is left alone. */
  async #unmark(row: InstanceRow): Promise<void> {
    const { provider_id: id } = row;
    if (id === null) return;
    const { account } = await this.#parts.providers.open(row.provider);
    await this.#asked(account.name, async () => {
      try {
        const seen = await account.call((provider, call) => provider.get(id, call), undefined, { region: row.region });
        if (seen?.owner?.deployment !== this.#parts.deployment() || seen.owner.instance !== row.id) return;
        await account.call((provider, call) => provider.setOwner(id, undefined, call), undefined, {
          region: row.region,
        });
      } catch (error) {
        if (!(error instanceof ProviderError) || error.code !== "provider_instance_not_found") throw error;
      }
    });
  }

  async #known(db: ReturnType<typeof fleetDb>, provider: string, providerId: string) {
    return db
      .selectFrom("control_instance")
      .select(["id", "name", "status"])
      .where("provider", "=", provider)
      .where("provider_id", "=", providerId)
      .where("status", "not in", endedStatuses)
      .executeTakeFirst();
  }

  async #refuseTaken(name: string): Promise<void> {
    const found = await this.#parts.store.db
      .selectFrom("control_instance")
      .select("id")
      .where("name", "=", name)
      .where("archived_at", "is", null)
      .executeTakeFirst();
    if (found !== undefined) throw taken(name);
  }

  /** C8: a failed instance whose server is good after all. Its mark is still the right one. */
  async #back(id: string, seen: ProviderInstance, name: string): Promise<Instance> {
    const now = await this.#parts.store.now();
    await this.#parts.store.write(async (write) => {
      const changed = await fleetDb(write)
        .updateTable("control_instance")
        .set({
          ...observed(seen, now),
          name,
          status: settledStatus("provisioned", seen.status),
          archived_at: null,
          failure: null,
          expiry_told_at: null,
          provisioned_at: sql<number>`coalesce(provisioned_at, ${now})`,
        })
        .where("id", "=", id)
        .where("status", "=", "failed")
        .where("task", "is", null)
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) throw new ProvostError("task_in_progress", `${name} has changed just now: try again.`);
      await told(write, { id, name, seen, now, how: "Adopted back, as it stands" });
    });
    return this.#reader.get(id);
  }

  async #insert({ open, seen, name, id, now }: Found): Promise<void> {
    const provider = open.row.name;
    const prices = await pricesOf(this.#parts.providers, open.account);
    await this.#parts.store.write(async (write) => {
      // Of two that adopt the same server the second finds the first one's record.
      await write.db
        .updateTable("control_provider")
        .set((eb) => ({ version: eb.ref("version") }))
        .where("name", "=", provider)
        .execute();
      const before = await this.#known(fleetDb(write), provider, seen.id);
      if (before !== undefined) throw isKnown(before, seen);
      const saved = await write.db
        .insertInto("control_instance")
        .values({
          ...observed(seen, now),
          id,
          name,
          provider,
          provider_name: seen.name,
          region: seen.region,
          type: seen.type,
          image: seen.image ?? "",
          monthly_usd: prices.get(seen.type) ?? null,
          ssh_keys: "[]",
          callback_url: "",
          status: settledStatus("provisioned", seen.status),
          desired: "running",
          provider_id: seen.id,
          create_attempt: 0,
          create_open: 0,
          accepted_at: now,
          active_at: now,
          stage: 0,
          token_nonce: randomText(16),
          root_password_state: "none",
          created_at: now,
          provisioned_at: now,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returning("id")
        .executeTakeFirst();
      if (saved === undefined) throw taken(name);
      await forgetOrphan(write, provider, seen.id);
      await told(write, { id, name, seen, now, how: `Adopted: ${provider} has it as ${seen.name} (${seen.id})` });
    });
  }
}

interface Told {
  id: string;
  name: string;
  seen: ProviderInstance;
  now: number;
  how: string;
}

async function told(write: Write, { id, name, seen, now, how }: Told): Promise<void> {
  await write.event({ instanceId: id, at: now, kind: "adopted", message: how });
  await write.audit({
    at: now,
    action: "instance.adopt",
    target: { id, name },
    before: { owner: seen.owner ?? null },
    after: { providerId: seen.id, region: seen.region, type: seen.type },
  });
}

function observed(seen: ProviderInstance, at: number) {
  return {
    observed_status: seen.status,
    observed_text: seen.statusText,
    observed_at: at,
    ipv4: JSON.stringify(seen.ipv4),
    ipv6: JSON.stringify(seen.ipv6),
  };
}

/** A provider's name, made to fit the rule for names as far as it can. */
function fitted(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 40)
    .replace(/-+$/, "");
}

function checkedName(name: string): string {
  if (namePattern.test(name)) return name;
  throw new ProvostError("invalid_name", `${JSON.stringify(name)} is no name: give one, ${nameRule}.`, {
    field: "name",
  });
}

function taken(name: string): ProvostError {
  return new ProvostError("name_taken", `${JSON.stringify(name)} is in use: give the server another name here.`, {
    field: "name",
  });
}

function isKnown(row: { id: string; name: string; status: string }, seen: ProviderInstance): ProvostError {
  return new ProvostError(
    "server_known",
    `${seen.id} is the instance ${row.name} (${row.id}), ${row.status}, already.`,
    {
      field: "providerId",
    },
  );
}

function isOwned(seen: ProviderInstance, { deployment }: Owner): ProvostError {
  return new ProvostError(
    "server_owned",
    `${seen.id} carries the tag of another deployment of Provost, ${deployment}: release it there first.`,
    { field: "providerId" },
  );
}

function busy(row: InstanceRow): ProvostError {
  return new ProvostError(
    "task_in_progress",
    `${row.name} has a task under way or has just ended one (${row.task ?? "none"}): wait for its end, then try again.`,
  );
}
