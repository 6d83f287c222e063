import { existsSync } from "node:fs";
import type {
  Call,
  CreateSpec,
  Image,
  InstanceType,
  Owner,
  Page,
  Provider,
  ProviderCapabilities,
  ProviderInstance,
  Region,
} from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import {
  instance,
  instances,
  instanceState,
  operations,
  server,
  type InstanceAnswer,
  type Operation,
} from "./answers.ts";
import { IncusApi } from "./api.ts";
import { readImages, readRegions, resolveImage } from "./catalog.ts";
import { IMAGE, LOCAL_REGION, OWNER_DEPLOYMENT, OWNER_INSTANCE, toProviderInstance, TYPE } from "./instance.ts";
import { instanceTypes, limitsOf } from "./instance-types.ts";

export interface IncusOptions {
  /** The daemon's unix socket; by default the first that exists of Incus' and LXD's usual places. */
  socket?: string;
  /** The project that instances live in; the server's `default` when left out. */
  project?: string;
  /** Profiles of a new instance, which bring its root disk and network; `["default"]` when left out. */
  profiles?: string[];
  /** For one request, in ms; 30,000 when left out. */
  requestTimeoutMs?: number;
}

const DEFAULT_SOCKETS = ["/var/lib/incus/unix.socket", "/var/lib/lxd/unix.socket"] as const;
const REQUEST_TIMEOUT_MS = 30_000;
/**
 * How long a change's operation is looked at before the call returns; it returns at the operation's end if that comes first. The
 * daemon's 202 proves nothing: a name that is taken, a busy instance and a start that cannot succeed are told only by the
 * operation (LXD 5.0.2: within 0.1 s idle, over 1 s on a loaded machine), and a finished one is forgotten after 5 s (C7).
 */
const GRACE_S = 3;
/** A forced stop must be over before DELETE is allowed. */
const FORCED_STOP_S = 20;
/**
 * How long the daemon waits for the guest to stop. A shutdown goes on in the guest when that time is over, and can be asked for
 * again; a restart starts only what has stopped in time, so it waits longer.
 */
const GUEST_STOP_S = 60;
const GUEST_RESTART_S = 300;
const PAGE_MAX = 500;
/** State is read for this many instances at a time. */
const STATE_READS_MAX = 8;

/** Incus and LXD on this machine, through the unix socket: system containers and machines (C17). */
export function incusProvider(options: IncusOptions = {}): Provider {
  return new IncusProvider(options);
}

/** The socket that is used when none is named. */
export function defaultSocket(): string {
  return DEFAULT_SOCKETS.find((path) => existsSync(path)) ?? DEFAULT_SOCKETS[0];
}

class IncusProvider implements Provider {
  readonly driver = "incus";
  readonly capabilities: ProviderCapabilities = {
    uniqueNames: true,
    bootAfterCreate: true,
    rootPassword: false,
    backups: "create",
    canResizeRunning: true,
    // The daemon sets no limit of its own; its database holds the value.
    userDataBytesMax: 65_536,
    // The instance's record is made before its image is unpacked: a create that arrived shows at once.
    createQuietMs: 10_000,
  };
  readonly #api: IncusApi;
  readonly #profiles: readonly string[];

  constructor(options: IncusOptions) {
    this.#profiles = options.profiles ?? ["default"];
    this.#api = new IncusApi({
      socket: options.socket ?? defaultSocket(),
      project: options.project,
      requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    });
  }

  async check(call: Call): Promise<void> {
    const { auth } = await this.#api.sync({ method: "GET", path: "/1.0" }, server, call);
    if (auth !== "trusted") {
      throw new ProviderError({
        code: "provider_credentials_rejected",
        effect: "none",
        message: `the server on ${this.#api.socket} calls this client "${auth}"; run as a member of the group that owns the socket`,
      });
    }
  }

  regions(call: Call): Promise<Region[]> {
    return readRegions(this.#api, call);
  }

  types(_call: Call): Promise<InstanceType[]> {
    return Promise.resolve(instanceTypes());
  }

  images(call: Call): Promise<Image[]> {
    return readImages(this.#api, call);
  }

  /**
   * SSH keys reach the instance within the user data (boot/ renders them into it): without user data `spec.sshKeys` has no
   * way in, since Incus has no such field.
   */
  async create(spec: CreateSpec, call: Call): Promise<ProviderInstance> {
    const limits = limitsOf(spec.type);
    if (limits === undefined) {
      const known = instanceTypes().map((each) => each.id);
      throw new ProviderError({
        code: "provider_type_not_found",
        effect: "none",
        message: `there is no instance type '${spec.type}'; take one of ${known.join(", ")}`,
      });
    }
    const image = await resolveImage(this.#api, spec.image, call);
    const config = configOf(spec, limits);
    const accepted = await this.#api.change(
      {
        method: "POST",
        path: "/1.0/instances",
        ...(spec.region === LOCAL_REGION ? {} : { query: { target: spec.region } }),
        body: {
          name: spec.name,
          type: image.type,
          profiles: this.#profiles,
          config,
          source: { type: "image", fingerprint: image.fingerprint },
        },
      },
      call,
    );
    const made = await this.#settledCreate(accepted, spec.name, call);
    return {
      id: spec.name,
      name: spec.name,
      owner: { ...spec.owner },
      status: made ? "stopped" : "creating",
      statusText: made ? "Stopped" : "Creating instance",
      region: spec.region,
      type: spec.type,
      image: spec.image,
      ipv4: [],
      ipv6: [],
    };
  }

  async #settledCreate(accepted: Parameters<IncusApi["settled"]>[0], name: string, call: Call): Promise<boolean> {
    try {
      return await this.#api.settled(accepted, GRACE_S, call);
    } catch (error) {
      // Two creates of one name at once: the second finds the first one's operation instead of its record.
      if (error instanceof ProviderError && error.code === "provider_busy") {
        throw new ProviderError({
          code: "provider_name_taken",
          effect: "none",
          message: `the name '${name}' is being taken by another create; choose another name`,
          providerMessage: error.providerMessage,
          providerRequestId: error.providerRequestId,
          cause: error,
        });
      }
      throw error;
    }
  }

  async find(query: { name: string; owner: Owner }, call: Call): Promise<ProviderInstance | undefined> {
    const found = await this.get(query.name, call);
    const ours = found?.owner?.deployment === query.owner.deployment && found.owner.instance === query.owner.instance;
    return ours ? found : undefined;
  }

  async get(id: string, call: Call): Promise<ProviderInstance | undefined> {
    const answer = await this.#orGone(this.#api.sync({ method: "GET", path: pathOf(id) }, instance, call));
    if (answer === undefined) return undefined;
    const [found] = await this.#describe([answer], call);
    return found;
  }

  async list(page: { cursor?: string; limit: number }, call: Call): Promise<Page<ProviderInstance>> {
    const all =
      (await this.#api.sync({ method: "GET", path: "/1.0/instances", query: { recursion: "1" } }, instances, call)) ??
      [];
    const { cursor } = page;
    const limit = Math.min(Math.max(Math.trunc(page.limit), 1), PAGE_MAX);
    const rest = all
      .filter((each) => cursor === undefined || each.name > cursor)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const wanted = rest.slice(0, limit);
    const last = wanted.at(-1);
    const items = await this.#describe(wanted, call);
    return { items, ...(rest.length > limit && last !== undefined ? { next: last.name } : {}) };
  }

  async boot(id: string, call: Call): Promise<void> {
    await this.#signal(id, { action: "start", timeout: GUEST_STOP_S }, /already running/i, call);
  }

  async reboot(id: string, call: Call): Promise<void> {
    await this.#signal(id, { action: "restart", force: false, timeout: GUEST_RESTART_S }, undefined, call);
  }

  async shutdown(id: string, call: Call): Promise<void> {
    await this.#signal(id, { action: "stop", force: false, timeout: GUEST_STOP_S }, /already stopped/i, call);
  }

  async destroy(id: string, call: Call): Promise<void> {
    try {
      await this.#delete(id, call);
    } catch (error) {
      if (!(error instanceof ProviderError) || !/is running/i.test(error.providerMessage ?? "")) throw error;
      const body = { action: "stop", force: true, timeout: FORCED_STOP_S };
      await this.#signal(id, body, /already stopped|not found/i, call, FORCED_STOP_S);
      await this.#delete(id, call);
    }
  }

  async close(): Promise<void> {
    await this.#api.close();
  }

  async #delete(id: string, call: Call): Promise<void> {
    try {
      const accepted = await this.#api.change({ method: "DELETE", path: pathOf(id) }, call);
      await this.#api.settled(accepted, GRACE_S, call);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      // Gone already, or on its way since an earlier call.
      const ending = /busy running a "delete"/i.test(error.providerMessage ?? "");
      if (error.code !== "provider_instance_not_found" && !ending) throw error;
    }
  }

  /** `settledBy`: what the daemon says when the instance is there already, which is no error. */
  async #signal(
    id: string,
    body: { action: string; force?: boolean; timeout: number },
    settledBy: RegExp | undefined,
    call: Call,
    graceS = GRACE_S,
  ): Promise<void> {
    try {
      const accepted = await this.#api.change({ method: "PUT", path: `${pathOf(id)}/state`, body }, call);
      await this.#api.settled(accepted, graceS, call);
    } catch (error) {
      const there = error instanceof ProviderError && settledBy?.test(error.providerMessage ?? "") === true;
      if (!there) throw error;
    }
  }

  /** Adds what the instance's own record lacks: the operations under way and, for running ones, the addresses. */
  async #describe(answers: readonly InstanceAnswer[], call: Call): Promise<ProviderInstance[]> {
    if (answers.length === 0) return [];
    const underWay = await this.#operationsUnderWay(call);
    const described: ProviderInstance[] = [];
    for (let start = 0; start < answers.length; start += STATE_READS_MAX) {
      const batch = answers.slice(start, start + STATE_READS_MAX);
      described.push(...(await Promise.all(batch.map((each) => this.#describeOne(each, underWay, call)))));
    }
    return described;
  }

  async #describeOne(answer: InstanceAnswer, underWay: Operation[], call: Call): Promise<ProviderInstance> {
    const bare = toProviderInstance(answer, underWay, undefined);
    if (bare.status !== "running") return bare;
    const path = `${pathOf(answer.name)}/state`;
    // Gone or stopped since: then it has no addresses.
    const state = await this.#orGone(this.#api.sync({ method: "GET", path }, instanceState, call));
    return toProviderInstance(answer, underWay, state);
  }

  async #operationsUnderWay(call: Call): Promise<Operation[]> {
    const wanted = { method: "GET", path: "/1.0/operations", query: { recursion: "1" } } as const;
    const byStatus = await this.#api.sync(wanted, operations, call);
    return Object.values(byStatus)
      .flatMap((each) => each ?? [])
      .filter((each) => each.status_code < 200);
  }

  async #orGone<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      // Only the instance's own 404 says that it is gone; a missing project is another matter (C10).
      if (error instanceof ProviderError && error.code === "provider_instance_not_found") return undefined;
      throw error;
    }
  }
}

function pathOf(id: string): string {
  return `/1.0/instances/${encodeURIComponent(id)}`;
}

function configOf(spec: CreateSpec, limits: Record<string, string>): Record<string, string> {
  return {
    ...limits,
    [OWNER_DEPLOYMENT]: spec.owner.deployment,
    [OWNER_INSTANCE]: spec.owner.instance,
    [TYPE]: spec.type,
    [IMAGE]: spec.image,
    ...(spec.userData === undefined ? {} : { "cloud-init.user-data": spec.userData }),
    ...(spec.backups ? { "snapshots.schedule": "@daily", "snapshots.expiry": "7d" } : {}),
  };
}
