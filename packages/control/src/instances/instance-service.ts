import {
  ProvostError,
  type DeployRequest,
  type IfBusy,
  type Instance,
  type InstanceCounts,
  type InstanceEvent,
  type InstanceFilter,
  type Listed,
} from "@provost/contract";
import type { OpenAccount, ProviderService } from "../accounts/provider-service.ts";
import { BootScriptError } from "../boot/boot-script-error.ts";
import { renderBootScript } from "../boot/boot-script.ts";
import type { Tasks } from "../flows/tasks.ts";
import type { TaskService } from "../tasks/task-service.ts";
import { instanceId, providerName, randomText, rootPassword } from "../ids.ts";
import type { CallbackAddress, Log, Timings } from "../options.ts";
import { instanceRow, instanceView, type InstanceRow } from "../storage/rows.ts";
import type { Store, Write } from "../storage/store.ts";
import type { InstanceDoor, InstanceLog } from "../surface.ts";
import { callbackBase, callbackUrl } from "./callback-url.ts";
import { checkedRequest, planned, requestHash, type CheckedRequest, type DeployPlan } from "./deploy-plan.ts";
import { earlierWithKey, keepKey, KeyTaken } from "./idempotency.ts";
import { InstanceReader } from "./instance-reader.ts";
import type { InstanceViews } from "./instance-views.ts";
import type { InstanceRecords } from "./records.ts";
import type { Secrets } from "./secrets.ts";
import { checkedSshKey } from "./ssh-key.ts";
import type { InstanceListQuery } from "./instance-list.ts";
import { setTags } from "./set-tags.ts";
import { tagSet } from "./tag-set.ts";

export interface InstanceServiceParts {
  store: Store;
  views: InstanceViews;
  records: InstanceRecords;
  providers: ProviderService;
  secrets: Secrets;
  tasks: Tasks;
  requests: TaskService;
  callback: CallbackAddress;
  timings: Timings;
  log: Log;
}

/** Characters of an idempotency key. */
const keyMax = 200;

interface Draft {
  id: string;
  nonce: string;
  request: CheckedRequest;
  plan: DeployPlan;
  callbackUrl: string;
  sshKeys: string[];
  /** The account's provider demands one (C2). */
  rootPassword: boolean;
  now: number;
}

/** Instances as people ask for them: each change is one transaction with its jobs (C9, L11). */
export class InstanceService implements InstanceDoor {
  readonly #parts: InstanceServiceParts;
  readonly #reader: InstanceReader;

  constructor(parts: InstanceServiceParts) {
    this.#parts = parts;
    this.#reader = new InstanceReader(parts.store, parts.views);
  }

  /**
   * Checks everything that can be checked, then writes the instance and its flow in one transaction. Nothing is asked of
   * the provider's paid side before that (C4).
   *
   * @throws ProvostError `invalid_request`, `invalid_name`, `invalid_ssh_key`, `name_taken`, `provider_not_found`,
   *   `region_not_found`, `type_not_found`, `image_not_found`, `user_data_too_large`, `callback_url_missing`,
   *   `callback_url_refused`, `callback_unreachable`, `idempotency_key_reused`, `provider_unavailable`, …
   */
  async deploy(input: DeployRequest, options: { idempotencyKey?: string } = {}): Promise<Instance> {
    const request = checkedRequest(input);
    const key = checkedKey(options.idempotencyKey);
    const hash = requestHash(request);
    const before = key === undefined ? undefined : await earlierWithKey(this.#parts.store.db, key, hash);
    if (before !== undefined) return this.get(before);
    await this.#refuseTaken(request.name);
    const sshKeys = request.sshKeys.map(checkedSshKey);
    const open = await this.#parts.providers.open(request.provider);
    const plan = await planned(this.#parts.providers, open, request);
    const base = await callbackBase(this.#parts.callback, open.row);
    const now = await this.#parts.store.now();
    const id = instanceId(now);
    const draft: Draft = {
      id,
      nonce: randomText(16),
      request,
      plan,
      callbackUrl: callbackUrl(base, id),
      sshKeys,
      rootPassword: open.account.capabilities.rootPassword,
      now,
    };
    this.#rehearse(draft, open);
    return this.#insert(draft, key, hash);
  }

  list(query: InstanceListQuery): Promise<Listed<Instance>> {
    return this.#reader.list(query);
  }

  counts(filter: InstanceFilter): Promise<InstanceCounts> {
    return this.#reader.counts(filter);
  }

  /** @throws ProvostError `instance_not_found`, `invalid_request`. */
  async setTags(ref: string, tags: readonly string[]): Promise<Instance> {
    const row = await this.#reader.row(ref);
    await setTags(this.#parts.store, row, tags);
    return this.get(row.id);
  }

  /** By id or name. Throws `instance_not_found`. */
  get(ref: string): Promise<Instance> {
    return this.#reader.get(ref);
  }

  events(ref: string, query: { after?: number; limit: number }): Promise<InstanceEvent[]> {
    return this.#reader.events(ref, query);
  }

  logs(ref: string): Promise<InstanceLog[]> {
    return this.#reader.logs(ref);
  }

  /**
   * Begins the destroy of an instance in any state; a deploy under way is cancelled in the same act. One that is being
   * destroyed, or is destroyed, is answered as it stands.
   *
   * @throws ProvostError `instance_not_found`, `instance_protected`, `task_in_progress`.
   */
  destroy(ref: string, options: { ifBusy?: IfBusy } = {}): Promise<Instance> {
    return this.#parts.requests.destroy(ref, options);
  }

  /** While it is protected nobody destroys it (C9). Throws `instance_not_found`, `instance_not_ready` for one that is archived. */
  async protect(ref: string, isProtected: boolean): Promise<Instance> {
    const { store } = this.#parts;
    const row = await this.#reader.row(ref);
    if (row.archived_at !== null || row.task === "destroy") {
      throw new ProvostError("instance_not_ready", `${row.name} is ${row.status}: it cannot be protected any more.`);
    }
    const wanted = isProtected ? 1 : 0;
    const at = await store.now();
    const kind = isProtected ? ("protected" as const) : ("unprotected" as const);
    await store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({ protected: wanted })
        .where("id", "=", row.id)
        .where("protected", "<>", wanted)
        .where((eb) => eb.or([eb("task", "is", null), eb("task", "<>", "destroy")]))
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return;
      const message = isProtected ? "It is protected from being destroyed" : "It may be destroyed";
      await write.event({ instanceId: row.id, at, kind, message });
      const action = isProtected ? "instance.protect" : "instance.unprotect";
      const before = { protected: !isProtected };
      await write.audit({
        at,
        action,
        target: { id: row.id, name: row.name },
        before,
        after: { protected: isProtected },
      });
    });
    return this.get(row.id);
  }

  /**
   * The generated root password, once: it is forgotten with the answer (C2).
   *
   * @throws ProvostError `instance_not_found`, `root_password_not_available`, `secret_unreadable`.
   */
  async revealRootPassword(ref: string): Promise<string> {
    const row = await this.#reader.row(ref);
    const { rootPassword: password } = this.#parts.secrets.open({ ...row, script: null });
    if (password === undefined) {
      const why = row.root_password_state === "shown" ? "has been shown already" : "was never made";
      throw notAvailable(row, why, "Log in with an SSH key, or set one at the provider's console.");
    }
    // A create that must be repeated needs it still (C4).
    if (row.provider_id === null) throw notAvailable(row, "is not in use yet", "Ask when the provider has accepted.");
    const { store } = this.#parts;
    const now = await store.now();
    const taken = await store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({ root_password: null, root_password_state: "shown" })
        .where("id", "=", row.id)
        .where("root_password_state", "=", "sealed")
        .returning("id")
        .executeTakeFirst();
      const target = { id: row.id, name: row.name };
      if (changed !== undefined) await write.audit({ at: now, action: "instance.reveal-password", target });
      return changed;
    });
    if (taken === undefined) throw notAvailable(row, "has been shown already", "Log in with an SSH key.");
    return password;
  }

  /** The user data as the create will render it: too long is told now, not when the flow runs. */
  #rehearse(draft: Draft, open: OpenAccount): void {
    try {
      renderBootScript({
        instanceId: draft.id,
        callbackUrl: draft.callbackUrl,
        token: this.#parts.secrets.callbackToken({ id: draft.id, token_nonce: draft.nonce }),
        sshKeys: draft.sshKeys,
        script: draft.request.script,
        userDataBytesMax: open.account.capabilities.userDataBytesMax,
      });
    } catch (error) {
      if (!(error instanceof BootScriptError)) throw error;
      const code = error.code === "boot_script_too_long" ? "user_data_too_large" : "invalid_request";
      throw new ProvostError(code, error.message, { field: "script", cause: error });
    }
  }

  async #insert(draft: Draft, key: string | undefined, hash: string): Promise<Instance> {
    const { store, log } = this.#parts;
    try {
      const row = await store.write((write) => this.#written(draft, key, hash, write));
      log.info({ instance: row.id, name: row.name, provider: row.provider }, "deploy requested");
      return instanceView(row);
    } catch (error) {
      if (!(error instanceof KeyTaken) || key === undefined) throw error;
      const earlier = await earlierWithKey(store.db, key, hash);
      if (earlier !== undefined) return this.get(earlier);
      throw error;
    }
  }

  async #written(draft: Draft, key: string | undefined, hash: string, write: Write): Promise<InstanceRow> {
    const { id, request, now } = draft;
    if (key !== undefined) await keepKey(write.db, { key, hash, id, now });
    const flowId = await this.#parts.tasks.enqueueDeploy(id, write);
    const saved = await write.db
      .insertInto("control_instance")
      .values({ ...this.#values(draft), flow_id: flowId })
      // Two deploys of one name at the same moment: the index decides, and this one is undone.
      .onConflict((conflict) => conflict.doNothing())
      .returningAll()
      .executeTakeFirst();
    if (saved === undefined) throw nameTaken(request.name);
    await write.event({ instanceId: id, at: now, kind: "requested", message: `Requested on ${request.provider}` });
    await write.audit({
      at: now,
      action: "instance.deploy",
      target: { id, name: request.name },
      after: { ...request, region: saved.region, type: saved.type, image: saved.image },
    });
    return instanceRow(saved);
  }

  #values({ id, nonce, request, plan, callbackUrl: url, sshKeys, rootPassword: wanted, now }: Draft) {
    const { secrets } = this.#parts;
    return {
      id,
      name: request.name,
      provider: request.provider,
      provider_name: providerName(request.name, id),
      region: plan.region,
      type: plan.type,
      image: plan.image,
      monthly_usd: plan.monthlyUsd ?? null,
      hourly_usd: plan.hourlyUsd ?? null,
      tags: JSON.stringify(tagSet(request.tags)),
      ssh_keys: JSON.stringify(sshKeys),
      script: request.script === undefined ? null : secrets.sealScript(id, request.script),
      callback_url: url,
      status: "requested" as const,
      desired: "running" as const,
      task: "deploy" as const,
      create_attempt: 0,
      create_open: 0,
      ipv4: "[]",
      ipv6: "[]",
      stage: 0,
      token_nonce: nonce,
      root_password: wanted ? secrets.sealRootPassword(id, rootPassword()) : null,
      root_password_state: wanted ? ("sealed" as const) : ("none" as const),
      created_at: now,
    };
  }

  async #refuseTaken(name: string): Promise<void> {
    const found = await this.#parts.store.db
      .selectFrom("control_instance")
      .select("id")
      .where("name", "=", name)
      .where("archived_at", "is", null)
      .executeTakeFirst();
    if (found !== undefined) throw nameTaken(name);
  }
}

function checkedKey(key: string | undefined): string | undefined {
  if (key === undefined || (key.length > 0 && key.length <= keyMax && /^[\x21-\x7e]+$/.test(key))) return key;
  throw new ProvostError(
    "invalid_request",
    `The idempotency key has ${key.length} characters: give 1 to ${keyMax} of printable ASCII.`,
    { field: "Idempotency-Key" },
  );
}

function nameTaken(name: string): ProvostError {
  return new ProvostError(
    "name_taken",
    `${JSON.stringify(name)} is in use: choose another name, or destroy that instance first.`,
    { field: "name" },
  );
}

function notAvailable(row: InstanceRow, why: string, way: string): ProvostError {
  return new ProvostError("root_password_not_available", `The root password of ${row.name} ${why}. ${way}`);
}
