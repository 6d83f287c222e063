/**
 * The contract every cloud driver keeps (C1). A driver is one folder beside this file; the core never names one.
 *
 * A driver is a thin, stateless client: it makes exactly one attempt for each call, never retries a POST (C4), and says
 * of every failure whether the provider may have acted on it (`ProviderError.effect`). Waiting, retrying, adopting and
 * giving up are decided by the flows, which see every driver alike.
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

  /** One page of the account's instances, by ascending id where the provider can (C10). `limit` is clamped to the provider's own bounds. */
  list(page: { cursor?: string; limit: number }, call: Call): Promise<Page<ProviderInstance>>;

  /** Signals return when the provider has accepted; a signal to an instance already there (boot a running one) is no error. */
  boot(id: string, call: Call): Promise<void>;
  reboot(id: string, call: Call): Promise<void>;
  /** Asks the guest to stop. */
  shutdown(id: string, call: Call): Promise<void>;
  /** Asks for the end of the instance; one that is gone already is no error. Repeat `get` until it says undefined. */
  destroy(id: string, call: Call): Promise<void>;

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
  /** Plan can be changed while running (C9). */
  canResizeRunning: boolean;
  /** Longest user data accepted, in bytes before any encoding. */
  userDataBytesMax: number;
  /** After an unknown outcome: how long the provider must have shown no such instance before another create is made, in ms (C4). */
  createQuietMs: number;
}

/** What goes with every call. */
export interface Call {
  /** Aborts the request; the driver adds its own `requestTimeoutMs`. */
  signal?: AbortSignal;
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
  /** ISO 8601. */
  createdAt?: string;
}

/** `creating` and the words that end in -ing are on their way; `unknown` is any word the driver does not know. */
export type ProviderStatus =
  | "creating"
  | "booting"
  | "running"
  | "rebooting"
  | "stopping"
  | "stopped"
  | "resizing"
  | "destroying"
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
}

export interface Image {
  id: string;
  label: string;
  /** `golden`: made by Provost's recipe, its first-boot service reports (C2). `public`: the provider's. `private`: the account's own. */
  kind: "golden" | "public" | "private";
}
