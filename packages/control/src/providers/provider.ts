import type { Backup } from "./backup.ts";
import type { BakedImage, BakeSpec } from "./baked-image.ts";
import type { EventPage } from "./event-feed.ts";
import type { RateBucket, RateReading } from "./rate-budget.ts";

/**
 * The contract every cloud driver keeps (C1). A driver is one folder beside this file; the core never names one.
 *
 * A driver is a thin, stateless client: it makes exactly one attempt for each call, never retries a POST (C4), and says
 * of every failure whether the provider may have acted on it (`ProviderError.effect`). Waiting, retrying, adopting and
 * giving up are decided by the flows, which see every driver alike.
 *
 * Every method throws `ProviderError` and nothing else. A call that changes something returns as soon as the provider has
 * accepted it: `get` (`backups`, `image`) shows when it is done. One for an instance that is not there is refused with
 * `provider_instance_not_found`, one that meets another task with `provider_busy`.
 */
export interface Provider {
  /** The driver's name, for people and logs only: nothing may branch on it. */
  readonly driver: string;
  readonly capabilities: ProviderCapabilities;

  /** One cheap authenticated call: throws `ProviderError` `provider_credentials_rejected` when the account cannot be used. */
  check(call: Call): Promise<void>;

  regions(call: Call): Promise<Region[]>;
  types(call: Call): Promise<InstanceType[]>;
  images(call: Call): Promise<Image[]>;

  /**
   * Asks for one instance and returns as soon as the provider has accepted, without waiting for it to run.
   * `spec.name` and `spec.owner` are stored at the provider, so that `find` meets the instance again after a lost answer (C4).
   */
  create(spec: CreateSpec, call: Call): Promise<ProviderInstance>;

  /** The instance whose name and owner tag are both ours (C4), or undefined. Reads every page it needs. */
  find(query: { name: string; owner: Owner }, call: Call): Promise<ProviderInstance | undefined>;

  /** The instance, or undefined when the provider says that there is none (404). */
  get(id: string, call: Call): Promise<ProviderInstance | undefined>;

  /** One page of the account's instances (C10). */
  list(page: ListPage, call: Call): Promise<Page<ProviderInstance>>;

  /**
   * Writes who the instance belongs to, or takes our mark off; other tags stay. Adopting and releasing (C13). What it
   * writes, `get` and `list` read.
   */
  setOwner(id: string, owner: Owner | undefined, call: Call): Promise<void>;

  /** A signal to an instance already there (boot a running one) is no error (C9). */
  boot(id: string, call: Call): Promise<void>;
  reboot(id: string, call: Call): Promise<void>;
  /** Asks the guest to stop. */
  shutdown(id: string, call: Call): Promise<void>;
  /** Takes the power away; what the guest has not written is lost. Where `canCutPower` is false it does what `shutdown` does. */
  powerOff(id: string, call: Call): Promise<void>;
  /**
   * Changes the plan; one that the instance has already is no error (C9). It is done when `get` shows the new type and a
   * status that is none of those under way. Stop the instance first where `canResizeRunning` is false.
   */
  resize(id: string, type: string, call: Call): Promise<void>;
  /** Asks for the end of the instance; one that is gone already is no error. Repeat `get` until it says undefined. */
  destroy(id: string, call: Call): Promise<void>;

  /** Switches daily backups on, for an instance that was created without or where `backups` is `second-call` (C3). May be repeated. */
  enableBackups(id: string, call: Call): Promise<void>;
  /** What there is, newest last. */
  backups(id: string, call: Call): Promise<Backup[]>;
  /** Takes a backup now. `label`: 3–40 characters, `[a-z0-9-]`, a new one for each. Where `snapshots` is `one`, it takes the place of the last. */
  snapshot(id: string, label: string, call: Call): Promise<Backup>;
  /** Puts the instance's disks back to the backup; what was written since is lost. Stop it first where `canRestoreRunning` is false. */
  restore(id: string, backupId: string, call: Call): Promise<void>;

  /** Makes an image of a stopped instance's disk (C2). `findImage` finds out what became of a lost answer (C4). */
  imageFrom(id: string, spec: BakeSpec, call: Call): Promise<BakedImage>;
  /** The account's image whose name and deployment are both ours, or undefined. */
  findImage(query: Pick<BakeSpec, "name" | "deployment">, call: Call): Promise<BakedImage | undefined>;
  /** The image, or undefined when there is none: none any more, or the making of it has failed. */
  image(id: string, call: Call): Promise<BakedImage | undefined>;
  /** One that is gone already is no error. */
  deleteImage(id: string, call: Call): Promise<void>;

  /**
   * What has happened since the cursor (C10); without one, where the feed stands now and no events. Only where
   * `eventFeed`; elsewhere, and for a cursor that is not this driver's, `provider_rejected`.
   */
  events(cursor: string | undefined, call: Call): Promise<EventPage>;

  /** Frees sockets. Safe to call twice. */
  close(): Promise<void>;
}

/** What differs between providers, by name: the core asks for these, never for a driver (C1). */
export interface ProviderCapabilities {
  /** The provider refuses a second instance of the same name in an account: a repeated create cannot double. */
  uniqueNames: boolean;
  /** `create` leaves the instance stopped: `await-active` boots it. */
  bootAfterCreate: boolean;
  /** A root password is demanded by `create`: one is generated, sealed and shown once (C2). */
  rootPassword: boolean;
  /** How daily backups are switched on (C3). */
  backups: "create" | "second-call" | "none";
  /** How many snapshots an instance can have: with `one` a new one deletes the one before. */
  snapshots: "one" | "many" | "none";
  /** A backup can be restored while the instance runs; it runs afterwards. */
  canRestoreRunning: boolean;
  /** Plan can be changed while running (C9). */
  canResizeRunning: boolean;
  /** `powerOff` cuts the power at once, whatever the guest says. */
  canCutPower: boolean;
  /**
   * How ids compare where `list` goes by ascending id and a cursor is the last id seen: rows that come and go shift no
   * page, and `until` cuts a sweep into shards (C10). `none`: cursors are the provider's own, pages want an overlap.
   */
  idOrder: "number" | "text" | "none";
  /** The most instances that one page of `list` holds. */
  pageMax: number;
  /** There is a feed of changes: `events` (C10). */
  eventFeed: boolean;
  /** The provider's request limits (C11); empty where it has none. */
  rateBuckets: readonly RateBucket[];
  /** Longest user data accepted, in bytes before any encoding. */
  userDataBytesMax: number;
  /** After an unknown outcome: how long the provider must have shown no such instance before another create is made, in ms (C4). */
  createQuietMs: number;
}

/** What goes with every call. */
export interface Call {
  /** Aborts the request; the driver adds its own `requestTimeoutMs`. */
  signal?: AbortSignal;
  /** Told what each answer says of the rate budget (C11): one call may bring several. Must not throw. */
  onRate?(reading: RateReading): void;
}

/** Which instances one `list` reads. */
export interface ListPage {
  /** `Page.next` of the page before; or, where `idOrder` is not `none`, any id: the page starts behind it. */
  cursor?: string;
  /** Clamped to the provider's own bounds. */
  limit: number;
  /** The last id that is wanted: a shard's end. Only where `idOrder` is not `none`. */
  until?: string;
  /** Only instances with this deployment's owner tag (C13). */
  deployment?: string;
}

/** Who an instance belongs to: written at the provider as tags or config keys, read back by `find` and `list` (C4, C13). */
export interface Owner {
  /** This deployment of Provost (one store), e.g. `d-4kq2`. */
  deployment: string;
  /** The instance's id in that store. */
  instance: string;
}

export interface CreateSpec {
  /** Unique within the account; 3–63 characters, `[a-z0-9-]`. */
  name: string;
  owner: Owner;
  region: string;
  type: string;
  image: string;
  /** Public keys in OpenSSH's one-line form. */
  sshKeys: string[];
  /** Plain text, at most `userDataBytesMax` bytes; the driver encodes it as its provider wants. */
  userData?: string;
  /** Present where `capabilities.rootPassword`. Never logged. */
  rootPassword?: string;
  /** Daily backups where the provider has them (C3). */
  backups: boolean;
}

/** A provider's view of an instance, in Provost's words. */
export interface ProviderInstance {
  /** The provider's id, always a string. */
  id: string;
  name: string;
  /** Undefined for instances that are not ours. */
  owner?: Owner;
  status: ProviderStatus;
  /** The provider's own word, for people. */
  statusText: string;
  region: string;
  type: string;
  image?: string;
  ipv4: string[];
  ipv6: string[];
  /** Daily backups are on (C3); undefined where the provider does not say. */
  backups?: boolean;
  /** ISO 8601. */
  createdAt?: string;
}

/**
 * `creating` and the words that end in -ing are on their way; `busy`: the provider works on it in another way (restoring,
 * migrating); `unknown` is any word the driver does not know.
 */
export type ProviderStatus =
  | "creating"
  | "booting"
  | "running"
  | "rebooting"
  | "stopping"
  | "stopped"
  | "resizing"
  | "destroying"
  | "busy"
  | "unknown";

export interface Page<T> {
  items: T[];
  /** Hand it to the next call; undefined on the last page. */
  next?: string;
}

export interface Region {
  id: string;
  label: string;
}

export interface InstanceType {
  id: string;
  label: string;
  vcpus: number;
  memoryMb: number;
  diskGb: number;
  /** Undefined where the provider has no prices (a machine of one's own). */
  monthlyUsd?: number;
  /** Where a month is paid by the hour, up to `monthlyUsd`. */
  hourlyUsd?: number;
  /** By region id, where prices differ. */
  regionPrices?: Record<string, { monthlyUsd: number; hourlyUsd?: number }>;
  /** Ids of the regions that do not have it now. */
  soldOutIn?: string[];
}

export interface Image {
  id: string;
  label: string;
  /** `golden`: made by Provost's recipe, its first-boot service reports (C2). `public`: the provider's. `private`: the account's own. */
  kind: "golden" | "public" | "private";
  /** The disk that an instance of it needs at least; undefined where the provider does not say. */
  sizeMb?: number;
}
