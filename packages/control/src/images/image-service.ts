import {
  bakeRequestSchema,
  namePattern,
  nameRule,
  ProvostError,
  type BakeRequest,
  type ImageView,
  type Listed,
} from "@provost/contract";
import type { z } from "zod";
import { nearest } from "../accounts/nearest.ts";
import type { OpenAccount, ProviderService } from "../accounts/provider-service.ts";
import { asProvostError } from "../accounts/provider-words.ts";
import { BootScriptError } from "../boot/boot-script-error.ts";
import { renderBootScript } from "../boot/boot-script.ts";
import type { Tasks } from "../flows/tasks.ts";
import { instanceId, providerName, randomText, timedId } from "../ids.ts";
import { callbackBase, callbackUrl } from "../instances/callback-url.ts";
import { planned, type DeployPlan } from "../instances/deploy-plan.ts";
import { earlierWithKey, KeyTaken, keepKey, requestDigest } from "../instances/idempotency.ts";
import { requestedRow, type Requested } from "../instances/requested-row.ts";
import type { Secrets } from "../instances/secrets.ts";
import type { CallbackAddress, Log } from "../options.ts";
import type { Store, Write } from "../storage/store.ts";
import type { ImageDoor } from "../surface.ts";
import { baseImage } from "./base-image.ts";
import { goldenRecipe, plainRecipe, recipeHash, type Recipe } from "./recipe.ts";
import type { ImageRecords } from "./records.ts";
import { imageRow, imageView, type ImageDatabase, type ImageRow } from "./tables.ts";

export interface ImageServiceParts {
  store: Store;
  images: ImageRecords;
  providers: ProviderService;
  secrets: Secrets;
  tasks: Tasks;
  callback: CallbackAddress;
  log: Log;
}

type CheckedBake = z.output<typeof bakeRequestSchema>;

/** All that is written when a bake is asked for. */
interface Draft {
  id: string;
  builderId: string;
  nonce: string;
  request: CheckedBake;
  plan: DeployPlan;
  recipe: Recipe;
  golden: boolean;
  callbackUrl: string;
  /** The account's provider demands one (C2). */
  rootPassword: boolean;
  now: number;
}

const pageMax = 500;

/** Images as people ask for them (C2): a bake is one transaction with its builder and its flow (L11). */
export class ImageService implements ImageDoor {
  readonly #parts: ImageServiceParts;

  constructor(parts: ImageServiceParts) {
    this.#parts = parts;
  }

  /**
   * Checks everything that can be checked, then writes image, builder and flow; nothing is asked of the provider's paid
   * side before that (C4).
   *
   * @throws ProvostError `invalid_request`, `invalid_name`, `image_exists`, `provider_not_found`, `region_not_found`,
   *   `type_not_found`, `image_not_found`, `user_data_too_large`, `callback_url_missing`, `callback_url_refused`,
   *   `callback_unreachable`, `idempotency_key_reused`, `provider_unavailable`, …
   */
  async bake(input: BakeRequest, options: { idempotencyKey?: string } = {}): Promise<ImageView> {
    const { store, providers, callback } = this.#parts;
    const request = checked(input);
    const key = options.idempotencyKey;
    const hash = requestDigest([
      "bake",
      ...Object.entries(request).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    ]);
    const before = key === undefined ? undefined : await earlierWithKey(store.db, key, hash);
    if (before !== undefined) return this.get(before);
    await this.#refuseTaken(request.name);
    const open = await providers.open(request.provider);
    const catalog = await providers.catalogOf(open.account);
    const image = request.image ?? baseImage(catalog.images);
    const plan = await planned(providers, open, { ...request, image, sshKeys: [], tags: [] });
    const kind = (await providers.catalogOf(open.account)).images.find(({ id }) => id === plan.image)?.kind;
    const base = await callbackBase(callback, open.row);
    const now = await store.now();
    const builderId = instanceId(now);
    const draft: Draft = {
      id: timedId("im", now),
      builderId,
      nonce: randomText(16),
      request,
      plan,
      recipe: request.recipe ? goldenRecipe() : plainRecipe(),
      golden: request.recipe || kind === "golden",
      callbackUrl: callbackUrl(base, builderId),
      rootPassword: open.account.capabilities.rootPassword,
      now,
    };
    this.#rehearse(draft, open);
    return this.#insert(draft, key, hash);
  }

  /** Newest first. Default: those that are there or on their way, and failed ones; `all`: deleted ones too. */
  async list(query: { all?: boolean; after?: string; limit: number }): Promise<Listed<ImageView>> {
    const limit = Math.min(Math.max(Math.trunc(query.limit), 1), pageMax);
    let select = this.#db()
      .selectFrom("control_image")
      .selectAll()
      .orderBy("id", "desc")
      .limit(limit + 1);
    if (query.all !== true) select = select.where("status", "<>", "deleted");
    if (query.after !== undefined) select = select.where("id", "<", query.after);
    const rows = (await select.execute()).map(imageRow);
    const accounts = await this.#parts.providers.list();
    const defaults = new Map(accounts.map((each) => [each.name, each.defaults.image]));
    const items = rows.slice(0, limit).map((row) => imageView(row, defaults.get(row.provider)));
    const last = items.at(-1);
    return rows.length > limit && last !== undefined ? { items, next: last.id } : { items };
  }

  /** By id or name. Throws `baked_image_not_found`. */
  async get(ref: string): Promise<ImageView> {
    return this.#view(await this.#row(ref));
  }

  /**
   * Deletes it at the provider; instances made from it stay. A bake under way is ended, and its builder destroyed.
   *
   * @throws ProvostError `baked_image_not_found`, `image_in_use`, `provider_unavailable`, `provider_refused`.
   */
  async remove(ref: string): Promise<ImageView> {
    const { images, store, providers, tasks } = this.#parts;
    const row = await this.#row(ref);
    if (row.task === "bake") {
      await tasks.cancelFlow(row.flow_id, "its image is not wanted any more");
      const target = { id: row.id, name: row.name };
      const at = await store.now();
      await store.write((write) => write.audit({ at, action: "image.delete", target, before: { status: row.status } }));
      return this.get(row.id);
    }
    if (row.status === "deleted") return this.#view(row);
    const { row: account, account: client } = await providers.open(row.provider);
    const id = row.provider_image_id;
    if (row.status === "available" && account.defaults.image === id) {
      throw new ProvostError(
        "image_in_use",
        `${row.name} is what deploys on ${row.provider} start from: make another image the default first.`,
      );
    }
    try {
      if (id !== null) {
        await client.call((provider, call) => provider.deleteImage(id, call), undefined, { region: row.region });
      }
    } catch (error) {
      throw asProvostError(error, row.provider);
    }
    providers.forgetCatalog(row.provider);
    return this.#view(await images.deleted(row, await store.now()));
  }

  /**
   * From now on a deploy on its provider that names no image takes this one.
   *
   * @throws ProvostError `baked_image_not_found`, `image_not_ready`.
   */
  async makeDefault(ref: string): Promise<ImageView> {
    const row = await this.#row(ref);
    if (row.status !== "available" || row.provider_image_id === null) {
      throw new ProvostError(
        "image_not_ready",
        `${row.name} is ${row.status}: only an available image can be the default.`,
      );
    }
    await this.#parts.providers.setDefaultImage(row.provider, row.provider_image_id, { id: row.id, name: row.name });
    return this.#view(row);
  }

  /** The user data as the create will render it: too long is told now, not when the flow runs. */
  #rehearse({ builderId, callbackUrl: url, nonce, request, recipe }: Draft, { account }: OpenAccount): void {
    try {
      renderBootScript({
        instanceId: builderId,
        callbackUrl: url,
        token: this.#parts.secrets.callbackToken({ id: builderId, token_nonce: nonce }),
        sshKeys: [],
        script: request.script,
        bake: recipe,
        userDataBytesMax: account.capabilities.userDataBytesMax,
      });
    } catch (error) {
      if (!(error instanceof BootScriptError)) throw error;
      const code = error.code === "boot_script_too_long" ? "user_data_too_large" : "invalid_request";
      throw new ProvostError(code, error.message, { field: "script", cause: error });
    }
  }

  async #insert(draft: Draft, key: string | undefined, hash: string): Promise<ImageView> {
    const { store, log } = this.#parts;
    try {
      await store.write((write) => this.#written(draft, key, hash, write));
    } catch (error) {
      const earlier =
        error instanceof KeyTaken && key !== undefined ? await earlierWithKey(store.db, key, hash) : undefined;
      if (earlier === undefined) throw error;
      return this.get(earlier);
    }
    log.info({ image: draft.id, name: draft.request.name, provider: draft.request.provider }, "bake requested");
    return this.get(draft.id);
  }

  async #written(draft: Draft, key: string | undefined, hash: string, write: Write): Promise<void> {
    const { id, builderId, request, plan, now } = draft;
    if (key !== undefined) await keepKey(write.db, { key, hash, id, now });
    const flowId = await this.#parts.tasks.enqueueBake(id, builderId, write);
    const saved = await write.db
      .withTables<ImageDatabase>()
      .insertInto("control_image")
      .values(imageValues(draft, flowId))
      // Two bakes of one name at the same moment: the index decides, and this one is undone.
      .onConflict((conflict) => conflict.doNothing())
      .returning("id")
      .executeTakeFirst();
    if (saved === undefined) throw exists(request.name);
    await write.db
      .insertInto("control_instance")
      .values({ ...requestedRow(builderOf(draft), this.#parts.secrets), flow_id: flowId })
      .execute();
    const message = `Builder of the image ${request.name}, requested on ${request.provider}`;
    await write.event({ instanceId: builderId, at: now, kind: "requested", message });
    await write.audit({
      at: now,
      action: "image.bake",
      target: { id, name: request.name },
      after: { ...request, region: plan.region, type: plan.type, image: plan.image },
    });
  }

  async #view(row: ImageRow): Promise<ImageView> {
    const accounts = await this.#parts.providers.list();
    return imageView(row, accounts.find(({ name }) => name === row.provider)?.defaults.image);
  }

  async #row(ref: string): Promise<ImageRow> {
    const query = this.#db().selectFrom("control_image").selectAll();
    const found = ref.startsWith("im_")
      ? await query.where("id", "=", ref).executeTakeFirst()
      : ((await query.where("name", "=", ref).where("status", "in", ["baking", "available"]).executeTakeFirst()) ??
        (await query.where("name", "=", ref).orderBy("id", "desc").limit(1).executeTakeFirst()));
    if (found !== undefined) return imageRow(found);
    const rows = await this.#db()
      .selectFrom("control_image")
      .select("name")
      .where("status", "<>", "deleted")
      .orderBy("id", "desc")
      .limit(pageMax)
      .execute();
    const names = [...new Set(rows.map(({ name }) => name))];
    const close = nearest(ref, names);
    const way = close.length === 0 ? "there are none: bake one" : `there is ${close.join(", ")}`;
    throw new ProvostError(
      "baked_image_not_found",
      `Provost has made no image ${JSON.stringify(ref.slice(0, 80))}: ${way}.`,
      {
        field: "image",
      },
    );
  }

  async #refuseTaken(name: string): Promise<void> {
    const found = await this.#db()
      .selectFrom("control_image")
      .select("id")
      .where("name", "=", name)
      .where("status", "in", ["baking", "available"])
      .executeTakeFirst();
    if (found !== undefined) throw exists(name);
  }

  #db() {
    return this.#parts.store.db.withTables<ImageDatabase>();
  }
}

/** No user can take such a name, nor is it ever taken twice. */
function builderOf(draft: Draft): Requested {
  const { id, builderId, request } = draft;
  const name = `${request.name}:${builderId.slice(-6)}`;
  const nameThere = `bake-${request.name}`.slice(0, 40);
  return {
    ...draft,
    id: builderId,
    name,
    nameThere,
    provider: request.provider,
    script: request.script,
    builderOf: id,
  };
}

function imageValues({ id, builderId, request, plan, recipe, golden, now }: Draft, flowId: string) {
  return {
    id,
    name: request.name,
    provider: request.provider,
    provider_name: providerName(request.name, id),
    base: plan.image,
    region: plan.region,
    type: plan.type,
    golden: golden ? 1 : 0,
    recipe: request.recipe ? 1 : 0,
    recipe_hash: recipeHash(recipe, request.script ?? ""),
    status: "baking" as const,
    task: "bake" as const,
    step: "builder" as const,
    builder_id: builderId,
    flow_id: flowId,
    call_attempt: 0,
    call_open: 0,
    step_at: now,
    created_at: now,
  };
}

function checked(input: BakeRequest): CheckedBake {
  const parsed = bakeRequestSchema.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    const detail = `${field || "The request"}: ${issue?.message ?? "is not valid"}.`;
    throw new ProvostError("invalid_request", detail, field === "" ? {} : { field });
  }
  const { name, recipe, script } = parsed.data;
  if (!namePattern.test(name)) {
    throw new ProvostError("invalid_name", `${JSON.stringify(name.slice(0, 60))} is no name: ${nameRule}.`, {
      field: "name",
    });
  }
  if (!recipe && script === undefined) {
    throw new ProvostError(
      "invalid_request",
      "Without the recipe and without a script there is nothing to bake: give one.",
      {
        field: "script",
      },
    );
  }
  return parsed.data;
}

function exists(name: string): ProvostError {
  return new ProvostError(
    "image_exists",
    `There is an image ${JSON.stringify(name)}: choose another name, or delete that one first.`,
    { field: "name" },
  );
}
