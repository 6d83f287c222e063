import { existsSync } from "node:fs";
import type { Backup } from "../backup.ts";
import type { BakedImage, BakeSpec } from "../baked-image.ts";
import type { EventPage } from "../event-feed.ts";
import type {
  Call,
  CreateSpec,
  Image,
  InstanceType,
  ListPage,
  Owner,
  Page,
  Provider,
  ProviderCapabilities,
  ProviderInstance,
  Region,
} from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { server } from "./answers.ts";
import { IncusApi } from "./api.ts";
import { readBackups, restoreSnapshot, takeSnapshot } from "./backups.ts";
import { bakeImage, findBaked, readBaked, removeImage } from "./baked-images.ts";
import { readImages, readRegions } from "./catalog.ts";
import {
  bootInstance,
  configure,
  destroyInstance,
  powerOffInstance,
  rebootInstance,
  resizeInstance,
  shutdownInstance,
  writeOwner,
} from "./changes.ts";
import { createInstance } from "./create.ts";
import { IncusFeed } from "./feed.ts";
import { DAILY_SNAPSHOTS } from "./instance.ts";
import { instanceTypes } from "./instance-types.ts";
import { listInstances, PAGE_MAX, readInstance } from "./reading.ts";

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
    snapshots: "many",
    canRestoreRunning: true,
    canResizeRunning: true,
    canCutPower: true,
    idOrder: "text",
    pageMax: PAGE_MAX,
    eventFeed: true,
    rateBuckets: [],
    // The daemon sets no limit of its own; its database holds the value.
    userDataBytesMax: 65_536,
    // The instance's record is made before its image is unpacked: a create that arrived shows at once.
    createQuietMs: 10_000,
  };
  readonly #api: IncusApi;
  readonly #feed: IncusFeed;
  readonly #profiles: readonly string[];

  constructor(options: IncusOptions) {
    this.#profiles = options.profiles ?? ["default"];
    this.#api = new IncusApi({
      socket: options.socket ?? defaultSocket(),
      project: options.project,
      requestTimeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    });
    this.#feed = new IncusFeed(this.#api);
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

  create(spec: CreateSpec, call: Call): Promise<ProviderInstance> {
    return createInstance(this.#api, this.#profiles, spec, call);
  }

  async find(query: { name: string; owner: Owner }, call: Call): Promise<ProviderInstance | undefined> {
    const found = await this.get(query.name, call);
    const ours = found?.owner?.deployment === query.owner.deployment && found.owner.instance === query.owner.instance;
    return ours ? found : undefined;
  }

  get(id: string, call: Call): Promise<ProviderInstance | undefined> {
    return readInstance(this.#api, id, call);
  }

  list(page: ListPage, call: Call): Promise<Page<ProviderInstance>> {
    return listInstances(this.#api, page, call);
  }

  setOwner(id: string, owner: Owner | undefined, call: Call): Promise<void> {
    return writeOwner(this.#api, id, owner, call);
  }

  boot(id: string, call: Call): Promise<void> {
    return bootInstance(this.#api, id, call);
  }

  reboot(id: string, call: Call): Promise<void> {
    return rebootInstance(this.#api, id, call);
  }

  shutdown(id: string, call: Call): Promise<void> {
    return shutdownInstance(this.#api, id, call);
  }

  powerOff(id: string, call: Call): Promise<void> {
    return powerOffInstance(this.#api, id, call);
  }

  resize(id: string, type: string, call: Call): Promise<void> {
    return resizeInstance(this.#api, id, type, call);
  }

  destroy(id: string, call: Call): Promise<void> {
    return destroyInstance(this.#api, id, call);
  }

  enableBackups(id: string, call: Call): Promise<void> {
    return configure(this.#api, id, DAILY_SNAPSHOTS, call);
  }

  backups(id: string, call: Call): Promise<Backup[]> {
    return readBackups(this.#api, id, call);
  }

  snapshot(id: string, label: string, call: Call): Promise<Backup> {
    return takeSnapshot(this.#api, id, label, call);
  }

  restore(id: string, backupId: string, call: Call): Promise<void> {
    return restoreSnapshot(this.#api, id, backupId, call);
  }

  imageFrom(id: string, spec: BakeSpec, call: Call): Promise<BakedImage> {
    return bakeImage(this.#api, id, spec, call);
  }

  findImage(query: Pick<BakeSpec, "name" | "deployment">, call: Call): Promise<BakedImage | undefined> {
    return findBaked(this.#api, query, call);
  }

  image(id: string, call: Call): Promise<BakedImage | undefined> {
    return readBaked(this.#api, id, call);
  }

  deleteImage(id: string, call: Call): Promise<void> {
    return removeImage(this.#api, id, call);
  }

  events(cursor: string | undefined, call: Call): Promise<EventPage> {
    return this.#feed.read(cursor, call);
  }

  async close(): Promise<void> {
    this.#feed.close();
    await this.#api.close();
  }
}
