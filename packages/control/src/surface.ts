import type {
  Callback,
  Catalog,
  DeployRequest,
  Instance,
  InstanceEvent,
  Listed,
  ProviderRequest,
  ProviderView,
} from "@provost/contract";

/** What `Control` offers to a server: every failure is a `ProvostError`. */
export interface ControlSurface {
  readonly deploymentId: string;
  readonly providers: ProviderDoor;
  readonly instances: InstanceDoor;
  readonly callbacks: CallbackDoor;
  readonly tokens: TokenDoor;
  /** Migrates, starts the job manager and the watchdog. `deploymentId` is known afterwards. */
  start(): Promise<void>;
  /** Awaited, safe to call twice. */
  stop(): Promise<void>;
  /** Events of this process, after their commit. Other servers on the same store are followed by reading `events`. */
  subscribe(listener: (event: InstanceEvent) => void): () => void;
}

export interface ProviderDoor {
  list(): Promise<ProviderView[]>;
  get(name: string): Promise<ProviderView>;
  add(request: ProviderRequest): Promise<ProviderView>;
  /** As `add`, but an account of that name is changed in place. */
  upsert(request: ProviderRequest): Promise<ProviderView>;
  catalog(name: string): Promise<Catalog>;
  drivers(): DriverView[];
}

export interface DriverView {
  name: string;
  title: string;
  /** What the driver takes besides `name`, in the request's own fields (`endpoint`, `token`, `options.project`, …). */
  options: { name: string; required: boolean; secret: boolean; description: string }[];
}

export interface InstanceDoor {
  deploy(request: DeployRequest, options?: { idempotencyKey?: string }): Promise<Instance>;
  /** Newest first. Default: those not archived; `failed`: failed ones that are still shown (C8); `all`: every record. */
  list(query: { failed?: boolean; all?: boolean; after?: string; limit: number }): Promise<Listed<Instance>>;
  get(ref: string): Promise<Instance>;
  destroy(ref: string): Promise<Instance>;
  /** Ascending by `seq`. */
  events(ref: string, query: { after?: number; limit: number }): Promise<InstanceEvent[]>;
  logs(ref: string): Promise<InstanceLog[]>;
  revealRootPassword(ref: string): Promise<string>;
}

/** Lines the instance sent with one report. */
export interface InstanceLog {
  at: string;
  /** The stage it reported, or the step that failed. */
  step: string;
  log: string;
}

export interface CallbackDoor {
  receive(instanceId: string, token: string, callback: Callback): Promise<{ changed: boolean }>;
}

export interface TokenDoor {
  /** Makes this the admin token of the deployment, in place of an earlier one. */
  ensureAdmin(token: string): Promise<void>;
  verify(token: string): Promise<{ id: string; name: string; role: TokenRole } | undefined>;
}

export type TokenRole = "viewer" | "operator" | "admin";
