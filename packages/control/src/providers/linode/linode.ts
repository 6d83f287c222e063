import { z } from "zod";
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
  ProviderStatus,
  Region,
} from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { LinodeClient, type ClientOptions } from "./client.ts";
import { imageSchema, linodeSchema, pageOf, regionSchema, typeSchema, type Linode } from "./shapes.ts";

/** Linode's bounds of `page_size`. */
const pageSize = { min: 25, max: 500 } as const;
/** A catalog longer than this is cut: no account has so many images. */
const catalogPagesMax = 40;

/** Linode's words (API v4) in Provost's. */
const statuses: Record<string, ProviderStatus> = {
  provisioning: "creating",
  booting: "booting",
  running: "running",
  rebooting: "rebooting",
  shutting_down: "stopping",
  offline: "stopped",
  stopped: "stopped",
  resizing: "resizing",
  deleting: "destroying",
};

/** Linode, and the sandbox that speaks its API (C16), by base URL. Thin: one attempt for each call (C4). */
export class LinodeProvider implements Provider {
  readonly driver = "linode";
  readonly capabilities: ProviderCapabilities = {
    uniqueNames: true,
    bootAfterCreate: false,
    rootPassword: true,
    backups: "create",
    canResizeRunning: false,
    userDataBytesMax: 16_384,
    // Longer than one request may take; a double would be refused for its label besides.
    createQuietMs: 45_000,
  };
  readonly #client: LinodeClient;

  constructor(options: ClientOptions) {
    this.#client = new LinodeClient(options);
  }

  /** `/profile` proves that the token is alive, and needs no scope beyond its own. */
  async check(call: Call): Promise<void> {
    await this.#client.send(
      { what: "show the account", reads: true },
      { method: "GET", path: "/profile", signal: call.signal },
      z.object({}),
    );
  }

  async regions(call: Call): Promise<Region[]> {
    const all = await this.#all("list regions", "/regions", regionSchema, call);
    return all.map(({ id, label }) => ({ id, label }));
  }

  async types(call: Call): Promise<InstanceType[]> {
    const all = await this.#all("list types", "/linode/types", typeSchema, call);
    return all.map((type) => ({
      id: type.id,
      label: type.label,
      vcpus: type.vcpus,
      memoryMb: type.memory,
      diskGb: Math.round(type.disk / 1_024),
      ...(typeof type.price?.monthly === "number" ? { monthlyUsd: type.price.monthly } : {}),
    }));
  }

  async images(call: Call): Promise<Image[]> {
    const all = await this.#all("list images", "/images", imageSchema, call);
    return all
      .filter((image) => image.status === undefined || image.status === null || image.status === "available")
      .map((image) => ({
        id: image.id,
        label: image.label,
        kind: image.is_public === true ? "public" : image.label.startsWith("provost-golden") ? "golden" : "private",
      }));
  }

  async create(spec: CreateSpec, call: Call): Promise<ProviderInstance> {
    const made = await this.#client.send(
      { what: `create ${spec.name}`, reads: false },
      {
        method: "POST",
        path: "/linode/instances",
        signal: call.signal,
        body: {
          label: spec.name,
          region: spec.region,
          type: spec.type,
          image: spec.image,
          booted: true,
          backups_enabled: spec.backups,
          tags: ownerTags(spec.owner),
          ...(spec.sshKeys.length === 0 ? {} : { authorized_keys: spec.sshKeys }),
          ...(spec.rootPassword === undefined ? {} : { root_pass: spec.rootPassword }),
          ...(spec.userData === undefined
            ? {}
            : { metadata: { user_data: Buffer.from(spec.userData, "utf8").toString("base64") } }),
        },
      },
      linodeSchema,
    );
    return toInstance(made);
  }

  async find(query: { name: string; owner: Owner }, call: Call): Promise<ProviderInstance | undefined> {
    const page = await this.#client.send(
      { what: `look for ${query.name}`, reads: true },
      {
        method: "GET",
        path: "/linode/instances",
        query: { page: 1, page_size: pageSize.min },
        filter: { label: query.name },
        signal: call.signal,
      },
      pageOf(linodeSchema),
    );
    // Labels are unique in an account, so one page holds every match; the tags decide whose it is.
    return page.data
      .filter((linode) => linode.label === query.name)
      .map(toInstance)
      .find(({ owner }) => owner?.deployment === query.owner.deployment && owner.instance === query.owner.instance);
  }

  async get(id: string, call: Call): Promise<ProviderInstance | undefined> {
    try {
      const linode = await this.#client.send(
        { what: `show instance ${id}`, reads: true },
        { method: "GET", path: instancePath(id), signal: call.signal },
        linodeSchema,
      );
      return toInstance(linode);
    } catch (error) {
      if (error instanceof ProviderError && error.code === "provider_instance_not_found") return undefined;
      throw error;
    }
  }

  /** Keyset by id (C10): rows that come and go do not shift a page. */
  async list(page: { cursor?: string; limit: number }, call: Call): Promise<Page<ProviderInstance>> {
    const size = Math.min(Math.max(page.limit, pageSize.min), pageSize.max);
    const answer = await this.#client.send(
      { what: "list instances", reads: true },
      {
        method: "GET",
        path: "/linode/instances",
        query: { page: 1, page_size: size },
        filter: {
          ...(page.cursor === undefined ? {} : { id: { "+gt": Number(page.cursor) } }),
          "+order_by": "id",
          "+order": "asc",
        },
        signal: call.signal,
      },
      pageOf(linodeSchema),
    );
    const items = answer.data.map(toInstance);
    const last = items.at(-1);
    return answer.pages > 1 && last !== undefined ? { items, next: last.id } : { items };
  }

  async boot(id: string, call: Call): Promise<void> {
    await this.#signal(id, "boot", "running", call);
  }

  async reboot(id: string, call: Call): Promise<void> {
    await this.#signal(id, "reboot", undefined, call);
  }

  async shutdown(id: string, call: Call): Promise<void> {
    await this.#signal(id, "shutdown", "stopped", call);
  }

  async destroy(id: string, call: Call): Promise<void> {
    try {
      await this.#client.send(
        { what: `destroy instance ${id}`, reads: false },
        { method: "DELETE", path: instancePath(id), signal: call.signal },
        z.unknown(),
      );
    } catch (error) {
      if (error instanceof ProviderError && error.code === "provider_instance_not_found") return;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** A refused signal is no error when the instance is already where it leads: Linode answers 400 then. */
  async #signal(id: string, verb: string, already: ProviderStatus | undefined, call: Call): Promise<void> {
    try {
      await this.#client.send(
        { what: `${verb} instance ${id}`, reads: false },
        { method: "POST", path: `${instancePath(id)}/${verb}`, body: {}, signal: call.signal },
        z.unknown(),
      );
    } catch (error) {
      if (!(error instanceof ProviderError) || error.code !== "provider_rejected" || already === undefined) throw error;
      const now = await this.get(id, call);
      if (now?.status !== already) throw error;
    }
  }

  async #all<T extends z.ZodType>(what: string, path: string, item: T, call: Call): Promise<z.infer<T>[]> {
    const rows: z.infer<T>[] = [];
    for (let page = 1; page <= catalogPagesMax; page += 1) {
      const answer = await this.#client.send(
        { what, reads: true },
        { method: "GET", path, query: { page, page_size: pageSize.max }, signal: call.signal },
        pageOf(item),
      );
      rows.push(...answer.data);
      if (page >= answer.pages) break;
    }
    return rows;
  }
}

const tagPrefix = { deployment: "provost:", instance: "provost-instance:" } as const;

/** Two tags of 3–50 characters, as Linode takes them. */
function ownerTags(owner: Owner): string[] {
  return [tagPrefix.deployment + owner.deployment, tagPrefix.instance + owner.instance];
}

function ownerOf(tags: readonly string[]): Owner | undefined {
  const after = (prefix: string) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
  const deployment = after(tagPrefix.deployment);
  const instance = after(tagPrefix.instance);
  return deployment === undefined || instance === undefined ? undefined : { deployment, instance };
}

function toInstance(linode: Linode): ProviderInstance {
  const owner = ownerOf(linode.tags ?? []);
  return {
    id: String(linode.id),
    name: linode.label,
    ...(owner === undefined ? {} : { owner }),
    status: statuses[linode.status] ?? "unknown",
    statusText: linode.status,
    region: linode.region,
    type: linode.type ?? "",
    ...(typeof linode.image === "string" ? { image: linode.image } : {}),
    ipv4: linode.ipv4 ?? [],
    ipv6: typeof linode.ipv6 === "string" ? [linode.ipv6.replace(/\/\d+$/, "")] : [],
    // Linode's instants have no zone and are UTC.
    ...(typeof linode.created === "string" ? { createdAt: `${linode.created.replace(/Z$/, "")}Z` } : {}),
  };
}

function instancePath(id: string): string {
  return `/linode/instances/${encodeURIComponent(id)}`;
}
