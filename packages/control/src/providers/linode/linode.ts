import { z } from "zod";
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
import { readBackups, restoreBackup, takeSnapshot } from "./backups.ts";
import { bakeImage, findBaked, readBaked, removeImage } from "./baked-images.ts";
import { readImages, readRegions, readTypes } from "./catalog.ts";
import { LinodeClient, type ClientOptions } from "./client.ts";
import { readEvents } from "./events.ts";
import { instancePath } from "./instance.ts";
import { createInstance, findInstance, listInstances, pageSize, readInstance, writeOwner } from "./instances.ts";
import { rateBuckets } from "./rate.ts";

/** Linode, and the sandbox that speaks its API (C16), by base URL. Thin: one attempt for each call (C4). */
export class LinodeProvider implements Provider {
  readonly driver = "linode";
  readonly capabilities: ProviderCapabilities = {
    uniqueNames: true,
    bootAfterCreate: false,
    rootPassword: true,
    backups: "create",
    snapshots: "one",
    canRestoreRunning: false,
    canResizeRunning: false,
    // There is one way to stop: the API asks the guest, and has no call that does not.
    canCutPower: false,
    idOrder: "number",
    pageMax: pageSize.max,
    eventFeed: true,
    rateBuckets,
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
      { method: "GET", path: "/profile", call },
      z.object({}),
    );
  }

  regions(call: Call): Promise<Region[]> {
    return readRegions(this.#client, call);
  }

  types(call: Call): Promise<InstanceType[]> {
    return readTypes(this.#client, call);
  }

  images(call: Call): Promise<Image[]> {
    return readImages(this.#client, call);
  }

  create(spec: CreateSpec, call: Call): Promise<ProviderInstance> {
    return createInstance(this.#client, spec, call);
  }

  find(query: { name: string; owner: Owner }, call: Call): Promise<ProviderInstance | undefined> {
    return findInstance(this.#client, query, call);
  }

  get(id: string, call: Call): Promise<ProviderInstance | undefined> {
    return readInstance(this.#client, id, call);
  }

  list(page: ListPage, call: Call): Promise<Page<ProviderInstance>> {
    return listInstances(this.#client, page, call);
  }

  setOwner(id: string, owner: Owner | undefined, call: Call): Promise<void> {
    return writeOwner(this.#client, id, owner, call);
  }

  boot(id: string, call: Call): Promise<void> {
    return this.#change(id, "boot", undefined, ({ status }) => status === "running", call);
  }

  reboot(id: string, call: Call): Promise<void> {
    return this.#change(id, "reboot", undefined, () => false, call);
  }

  shutdown(id: string, call: Call): Promise<void> {
    return this.#change(id, "shutdown", undefined, ({ status }) => status === "stopped", call);
  }

  powerOff(id: string, call: Call): Promise<void> {
    return this.shutdown(id, call);
  }

  /**
   * Disks grow with the plan, and shrink to a smaller one where their data fits. A `cold` one moves a stopped instance; a running
   * one would be shut down and booted by Linode itself (reference, "Resize a Linode").
   */
  resize(id: string, type: string, call: Call): Promise<void> {
    const body = { type, allow_auto_disk_resize: true, migration_type: "cold" };
    return this.#change(id, "resize", body, (now) => now.type === type, call);
  }

  async destroy(id: string, call: Call): Promise<void> {
    try {
      await this.#client.send(
        { what: `destroy instance ${id}`, reads: false },
        { method: "DELETE", path: instancePath(id), call },
        z.unknown(),
      );
    } catch (error) {
      if (error instanceof ProviderError && error.code === "provider_instance_not_found") return;
      throw error;
    }
  }

  enableBackups(id: string, call: Call): Promise<void> {
    return this.#change(id, "backups/enable", undefined, ({ backups }) => backups === true, call);
  }

  backups(id: string, call: Call): Promise<Backup[]> {
    return readBackups(this.#client, id, call);
  }

  snapshot(id: string, label: string, call: Call): Promise<Backup> {
    return takeSnapshot(this.#client, id, label, call);
  }

  restore(id: string, backupId: string, call: Call): Promise<void> {
    return restoreBackup(this.#client, id, backupId, call);
  }

  imageFrom(id: string, spec: BakeSpec, call: Call): Promise<BakedImage> {
    return bakeImage(this.#client, id, spec, call);
  }

  findImage(query: Pick<BakeSpec, "name" | "deployment">, call: Call): Promise<BakedImage | undefined> {
    return findBaked(this.#client, query, call);
  }

  image(id: string, call: Call): Promise<BakedImage | undefined> {
    return readBaked(this.#client, id, call);
  }

  deleteImage(id: string, call: Call): Promise<void> {
    return removeImage(this.#client, id, call);
  }

  events(cursor: string | undefined, call: Call): Promise<EventPage> {
    return readEvents(this.#client, cursor, call);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  /** A refused change is no error when the instance is already where it leads: Linode answers 400 then. */
  async #change(
    id: string,
    verb: string,
    body: object | undefined,
    isThere: (now: ProviderInstance) => boolean,
    call: Call,
  ): Promise<void> {
    try {
      await this.#client.send(
        { what: `${verb} instance ${id}`, reads: false },
        { method: "POST", path: `${instancePath(id)}/${verb}`, ...(body === undefined ? {} : { body }), call },
        z.unknown(),
      );
    } catch (error) {
      if (!(error instanceof ProviderError) || error.code !== "provider_rejected") throw error;
      const now = await this.get(id, call);
      if (now === undefined || !isThere(now)) throw error;
    }
  }
}
