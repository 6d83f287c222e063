import {
  namePattern,
  nameRule,
  ProvostError,
  providerRequestSchema,
  providerSchema,
  type Catalog,
  type ProviderDetail,
  type ProviderRequest,
  type ProviderView,
} from "@provost/contract";
import type { Selectable } from "kysely";
import { z } from "zod";
import { Budgets } from "../budget/budgets.ts";
import { Brakes } from "../circuit/brakes.ts";
import { circuitRules, Circuits } from "../circuit/circuits.ts";
import type { ImageDatabase } from "../images/tables.ts";
import type { Log, Timings } from "../options.ts";
import { checkAccount, driverViews, endpointOf, openProvider, type AccountConfig } from "../providers/registry.ts";
import type { Seal } from "../seal.ts";
import { iso } from "../storage/rows.ts";
import type { ProviderTable } from "../storage/schema.ts";
import type { Store } from "../storage/store.ts";
import type { DriverView, ProviderDoor } from "../surface.ts";
import { Account } from "./account.ts";
import { CatalogCache } from "./catalog-cache.ts";
import { nearest } from "./nearest.ts";
import { orphanPolicyOf } from "./orphan-policy.ts";
import { asProvostError } from "./provider-words.ts";
import { Traffic } from "./traffic.ts";

const savedOptions = z.record(z.string(), z.string());

/** A row as the core uses it. */
export interface ProviderRow {
  name: string;
  driver: string;
  endpoint: string;
  defaults: ProviderView["defaults"];
  callbackUrl: string | undefined;
  version: number;
}

/** An account's row with its client. */
export interface OpenAccount {
  row: ProviderRow;
  account: Account;
}

/** Accounts with providers: their credentials sealed, one client for each (C1, C15). */
export class ProviderService implements ProviderDoor {
  /** Shared by all hosts through the store (C11, C12). */
  readonly budgets: Budgets;
  readonly circuits: Circuits;
  readonly brakes: Brakes;
  readonly #store: Store;
  readonly #seal: Seal;
  readonly #catalogs: CatalogCache;
  readonly #open = new Map<string, Promise<Account>>();

  constructor(parts: { store: Store; seal: Seal; timings: Timings; log: Log }) {
    this.#store = parts.store;
    this.#seal = parts.seal;
    this.budgets = new Budgets(parts.store);
    this.circuits = new Circuits(parts.store, circuitRules(parts.timings));
    this.brakes = new Brakes(parts);
    this.#catalogs = new CatalogCache(parts.timings.catalogFreshMs);
  }

  drivers(): DriverView[] {
    return driverViews();
  }

  async list(): Promise<ProviderView[]> {
    const rows = await this.#store.db.selectFrom("control_provider").selectAll().orderBy("name").execute();
    return rows.map(view);
  }

  /** With its budgets, circuits and brake. Throws `provider_not_found`. */
  async get(name: string): Promise<ProviderDetail> {
    const row = await this.#row(name);
    const budgets = await this.budgets.list(name);
    const circuits = await this.circuits.list(name);
    const [brake] = await this.brakes.list(name);
    return {
      ...view(row),
      budgets: budgets.map(({ resetAt, blockedUntil, ...budget }) => ({
        ...budget,
        ...(resetAt === undefined ? {} : { resetAt: iso(resetAt) }),
        ...(blockedUntil === undefined ? {} : { blockedUntil: iso(blockedUntil) }),
      })),
      circuits: circuits.map(({ region, state, since, lastError }) => ({
        region,
        state,
        since: iso(since),
        ...(lastError === undefined ? {} : { lastError: { ...lastError, at: iso(lastError.at) } }),
      })),
      ...(row.checked_at === null ? {} : { check: checkOf(row) }),
      ...(brake === undefined ? {} : { brake: { since: iso(brake.since), until: iso(brake.until) } }),
    };
  }

  /**
   * Asks the provider whether it takes the credentials, and keeps what it says. Throws `provider_not_found`, `secret_unreadable`.
   */
  async check(name: string): Promise<ProviderDetail> {
    const { account } = await this.open(name);
    const at = await this.#store.now();
    const why = await account
      .call((provider, call) => provider.check(call))
      .then(
        () => undefined,
        (error: unknown) => asProvostError(error, name),
      );
    if (why !== undefined && !(why instanceof ProvostError)) throw why;
    const values = { checked_at: at, check_code: why?.code ?? null, check_message: why?.message ?? null };
    await this.#store.write(async (write) => {
      await write.db.updateTable("control_provider").set(values).where("name", "=", name).execute();
      await write.audit({
        at,
        action: "provider.check",
        target: { name },
        after: { ok: why === undefined, code: why?.code },
      });
    });
    return this.get(name);
  }

  /** Releases the brake, where one is on (C12). Throws `provider_not_found`. */
  async resume(name: string): Promise<ProviderDetail> {
    await this.#row(name);
    await this.brakes.release(name);
    return this.get(name);
  }

  /**
   * Adds an account when its provider has accepted the credentials.
   *
   * @throws ProvostError `invalid_name`, `invalid_request`, `driver_not_found`, `provider_exists`,
   *   `provider_credentials_rejected`, `provider_unavailable`, `provider_refused`.
   */
  async add(request: ProviderRequest): Promise<ProviderView> {
    const taken = await this.#found(request.name);
    if (taken !== undefined) throw exists(request.name);
    return this.#save(request, "add");
  }

  /** As `add`, but an account of that name is replaced: its next call goes to the new endpoint. */
  async upsert(request: ProviderRequest): Promise<ProviderView> {
    return this.#save(request, "replace");
  }

  /** What the account offers; at most `catalogFreshMs` old, older while the provider cannot be asked. `refresh` asks anew. */
  async catalog(name: string, { refresh = false }: { refresh?: boolean } = {}): Promise<Catalog> {
    const { account } = await this.open(name);
    return this.catalogOf(account, refresh ? 0 : undefined);
  }

  /** `maxAgeMs` 0 asks the provider again. */
  async catalogOf(account: Account, maxAgeMs?: number): Promise<Catalog> {
    try {
      return await this.#catalogs.get(account, maxAgeMs);
    } catch (error) {
      throw asProvostError(error, account.name);
    }
  }

  /** After a change of ours; other servers see it when theirs is too old. */
  forgetCatalog(name: string): void {
    this.#catalogs.forget(name);
  }

  /** The account's id of an image that was baked here under this name or id; undefined when there is none. */
  async bakedImageId(account: string, ref: string): Promise<string | undefined> {
    const found = await this.#store.db
      .withTables<ImageDatabase>()
      .selectFrom("control_image")
      .select("provider_image_id")
      .where("provider", "=", account)
      .where("status", "=", "available")
      .where((eb) => eb.or([eb("name", "=", ref), eb("id", "=", ref)]))
      .executeTakeFirst();
    return found?.provider_image_id ?? undefined;
  }

  /** What deploys take that name no image (C2). `image`: ours, for the audit log. */
  async setDefaultImage(name: string, imageId: string, image: { id: string; name: string }): Promise<void> {
    const found = await this.#row(name);
    const { defaults } = providerRow(found);
    const now = await this.#store.now();
    await this.#store.write(async (write) => {
      await write.db
        .updateTable("control_provider")
        .set({ defaults: JSON.stringify({ ...defaults, image: imageId }) })
        .where("name", "=", name)
        .execute();
      await write.audit({
        at: now,
        action: "image.default",
        target: image,
        before: { provider: name, image: defaults.image },
        after: { provider: name, image: imageId },
      });
    });
  }

  /** The account's client, made anew when its row has changed. Throws `provider_not_found`, `secret_unreadable`. */
  async open(name: string): Promise<OpenAccount> {
    const found = await this.#row(name);
    const row = providerRow(found);
    const before = await this.#open.get(name)?.catch(() => undefined);
    if (before?.version === row.version) return { row, account: before };
    // Two callers that both saw the old one: the first to get here replaces it, the other takes what it made.
    const current = this.#open.get(name);
    const now = await current?.catch(() => undefined);
    if (now?.version === row.version) return { row, account: now };
    const opening = this.#openClient(found);
    this.#open.set(name, opening);
    now?.retire();
    return { row, account: await opening };
  }

  /** Frees every client's sockets. */
  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.allSettled(all.map(async (opening) => (await opening).close()));
  }

  async #openClient(found: Selectable<ProviderTable>): Promise<Account> {
    const config: AccountConfig = {
      endpoint: found.endpoint ?? undefined,
      token: found.token === null ? undefined : this.#seal.open(found.token, tokenPlace(found.name)),
      options: options(found),
    };
    const provider = await openProvider(found.driver, config);
    const { rateBuckets: buckets } = provider.capabilities;
    const { budgets, circuits } = this;
    return new Account(
      found.name,
      found.version,
      provider,
      new Traffic({ account: found.name, budgets, circuits, buckets }),
    );
  }

  async #save(input: ProviderRequest, how: "add" | "replace"): Promise<ProviderView> {
    const request = checkedRequest(input);
    const config: AccountConfig = { endpoint: request.endpoint, token: request.token, options: request.options };
    checkAccount(request.driver, config);
    await tryAccount(request.name, request.driver, config);
    const values = {
      driver: request.driver,
      endpoint: request.endpoint ?? null,
      token: request.token === undefined ? null : this.#seal.seal(request.token, tokenPlace(request.name)),
      options: JSON.stringify(request.options),
      defaults: JSON.stringify(request.defaults),
      callback_url: request.callbackUrl ?? null,
      checked_at: await this.#store.now(),
      check_code: null,
      check_message: null,
    };
    const now = await this.#store.now();
    const before = how === "add" ? undefined : await this.#found(request.name);
    return this.#store.write(async (write) => {
      const saved = await write.db
        .insertInto("control_provider")
        .values({ name: request.name, ...values, version: 1, created_at: now })
        .onConflict((conflict) => {
          const taken = conflict.column("name");
          return how === "add"
            ? taken.doNothing()
            : taken.doUpdateSet((eb) => ({ ...values, version: eb("control_provider.version", "+", 1) }));
        })
        .returningAll()
        .executeTakeFirst();
      if (saved === undefined) throw exists(request.name);
      await write.audit({
        at: now,
        action: before === undefined ? "provider.add" : "provider.change",
        target: { name: request.name },
        ...(before === undefined ? {} : { before: view(before) }),
        after: { ...view(saved), credential: request.token },
      });
      return view(saved);
    });
  }

  #found(name: string): Promise<Selectable<ProviderTable> | undefined> {
    return this.#store.db.selectFrom("control_provider").selectAll().where("name", "=", name).executeTakeFirst();
  }

  async #row(name: string): Promise<Selectable<ProviderTable>> {
    const found = await this.#found(name);
    if (found !== undefined) return found;
    const all = await this.#store.db.selectFrom("control_provider").select("name").orderBy("name").limit(100).execute();
    const known = nearest(
      name,
      all.map((row) => row.name),
    );
    const way = known.length === 0 ? "none is set up yet: add one" : `there is ${known.join(", ")}`;
    throw new ProvostError("provider_not_found", `There is no provider ${JSON.stringify(name)}: ${way}.`, {
      field: "provider",
    });
  }
}

/** One cheap call, before anything is saved. */
async function tryAccount(name: string, driver: string, config: AccountConfig): Promise<void> {
  const provider = await openProvider(driver, config);
  try {
    await provider.check({});
  } catch (error) {
    throw asProvostError(error, name);
  } finally {
    await provider.close();
  }
}

function checkedRequest(input: ProviderRequest): z.output<typeof providerRequestSchema> {
  const parsed = providerRequestSchema.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    const detail = `${field || "The request"}: ${issue?.message ?? "is not valid"}.`;
    throw new ProvostError("invalid_request", detail, field === "" ? {} : { field });
  }
  if (!namePattern.test(parsed.data.name)) {
    throw new ProvostError("invalid_name", `${JSON.stringify(parsed.data.name)} is no name: ${nameRule}.`, {
      field: "name",
    });
  }
  return parsed.data;
}

function checkOf(row: Selectable<ProviderTable>): NonNullable<ProviderDetail["check"]> {
  return {
    at: iso(Number(row.checked_at)),
    ok: row.check_code === null,
    ...(row.check_code === null ? {} : { code: row.check_code }),
    ...(row.check_message === null ? {} : { message: row.check_message }),
  };
}

function exists(name: string): ProvostError {
  return new ProvostError("provider_exists", `A provider ${JSON.stringify(name)} exists: choose another name.`, {
    field: "name",
  });
}

function tokenPlace(name: string): string {
  return `provider:${name}:token`;
}

function options(row: Selectable<ProviderTable>): Record<string, string> {
  return savedOptions.parse(JSON.parse(row.options));
}

function providerRow(row: Selectable<ProviderTable>): ProviderRow {
  return {
    name: row.name,
    driver: row.driver,
    endpoint: endpointOf(row.driver, row.endpoint),
    defaults: providerSchema.shape.defaults.parse(JSON.parse(row.defaults)),
    callbackUrl: row.callback_url ?? undefined,
    version: row.version,
  };
}

function view(row: Selectable<ProviderTable>): ProviderView {
  const { endpoint, defaults, callbackUrl } = providerRow(row);
  return {
    name: row.name,
    driver: row.driver,
    endpoint,
    defaults,
    ...(callbackUrl === undefined ? {} : { callbackUrl }),
    orphans: orphanPolicyOf(row),
    createdAt: iso(Number(row.created_at)),
  };
}
