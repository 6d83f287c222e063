import type {
  AdoptRequest,
  AuditEntry,
  BackupView,
  BakeRequest,
  Callback,
  Catalog,
  CreatedToken,
  CreatedWebhook,
  Delivery,
  DeliveryWithBody,
  DeployRequest,
  FleetMember,
  FleetPreview,
  fleetPreviewRequestSchema,
  FleetRequest,
  FleetView,
  IfBusy,
  MemberStatus,
  Orphan,
  OrphanPolicy,
  ImageView,
  Instance,
  InstanceChange,
  InstanceCounts,
  InstanceEvent,
  FlowPage,
  JobAction,
  JobActRequest,
  JobActResult,
  JobCounts,
  JobDetail,
  JobFilter,
  JobFlow,
  JobLogLine,
  JobMoveRequest,
  JobsActed,
  JobsActPreview,
  JobsActPreviewRequest,
  JobsActRequest,
  JobsOverview,
  JobView,
  JobWhy,
  InstanceFilter,
  Listed,
  ProcessDetail,
  ProcessView,
  QueueChange,
  QueueView,
  ScheduleDetail,
  ScheduleRun,
  ScheduleTick,
  ScheduleView,
  ProviderDetail,
  ProviderRequest,
  ProviderView,
  ProvostError,
  Role,
  Session,
  StreamTopic,
  TaskOrder,
  TaskView,
  SweepView,
  SystemView,
  TokenRequest,
  TokenView,
  WebhookRequest,
  WebhookView,
} from "@provost/contract";
import type { z } from "zod";
import type { Act } from "./access/acting.ts";

/** What `Control` offers to a server: every failure is a `ProvostError`. */
export interface ControlSurface {
  readonly deploymentId: string;
  readonly providers: ProviderDoor;
  readonly instances: InstanceDoor;
  readonly tasks: TaskDoor;
  readonly fleets: FleetDoor;
  readonly images: ImageDoor;
  readonly callbacks: CallbackDoor;
  readonly tokens: TokenDoor;
  readonly sessions: SessionDoor;
  readonly audit: AuditDoor;
  readonly live: LiveDoor;
  readonly system: SystemDoor;
  readonly webhooks: WebhookDoor;
  readonly orphans: OrphanDoor;
  readonly adoption: AdoptionDoor;
  readonly jobs: JobDoor;
  readonly queues: QueueDoor;
  readonly schedules: ScheduleDoor;
  readonly processes: ProcessDoor;
  /** Migrates, starts the job manager and the watchdog. `deploymentId` is known afterwards. */
  start(): Promise<void>;
  /** Awaited, safe to call twice. */
  stop(): Promise<void>;
  /** Events of this process, after their commit. Other servers on the same store are followed by reading `events`. */
  subscribe(listener: (event: InstanceEvent) => void): () => void;
}

export interface ProviderDoor {
  list(): Promise<ProviderView[]>;
  get(name: string): Promise<ProviderDetail>;
  /** Asks the provider whether it takes the credentials; what it says is kept. */
  check(name: string): Promise<ProviderDetail>;
  /** Releases the brake: instances are acted on again (C12). */
  resume(name: string): Promise<ProviderDetail>;
  add(request: ProviderRequest): Promise<ProviderView>;
  /** As `add`, but an account of that name is changed in place. */
  upsert(request: ProviderRequest): Promise<ProviderView>;
  catalog(name: string, options?: { refresh?: boolean }): Promise<Catalog>;
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
  /** Newest first. Default: those not archived; `failed`: failed ones that are still shown (C8); `all`: every record, builders too. */
  list(
    query: InstanceFilter & { failed?: boolean; all?: boolean; after?: string; limit: number },
  ): Promise<Listed<Instance>>;
  /** Of live ones by status, and of failed ones that are shown. */
  counts(filter: InstanceFilter): Promise<InstanceCounts>;
  setTags(ref: string, tags: readonly string[]): Promise<Instance>;
  get(ref: string): Promise<Instance>;
  destroy(ref: string, options?: { ifBusy?: IfBusy }): Promise<Instance>;
  /** Keeps it from being destroyed, or lets it be. */
  protect(ref: string, isProtected: boolean): Promise<Instance>;
  /** Ascending by `seq`. */
  events(ref: string, query: { after?: number; limit: number }): Promise<InstanceEvent[]>;
  logs(ref: string): Promise<InstanceLog[]>;
  revealRootPassword(ref: string): Promise<string>;
}

/** What is done to instances that are there (C9). */
export interface TaskDoor {
  /** Begins the task, or has it wait for the instance; `TaskView` tells which. */
  ask(ref: string, order: TaskOrder, options?: { ifBusy?: IfBusy; idempotencyKey?: string }): Promise<TaskView>;
  get(id: string): Promise<TaskView>;
  /** Only one that waits. */
  cancel(id: string): Promise<TaskView>;
  /** Of one instance, newest first. */
  list(ref: string, query: { after?: string; limit: number }): Promise<Listed<TaskView>>;
  /** At the provider, newest last. */
  backups(ref: string): Promise<BackupView[]>;
}

/** One command to many instances (C9). */
export interface FleetDoor {
  /** How many and which it would be; nothing is begun. */
  preview(request: z.input<typeof fleetPreviewRequestSchema>): Promise<FleetPreview>;
  begin(request: FleetRequest, options?: { idempotencyKey?: string }): Promise<FleetView>;
  get(id: string): Promise<FleetView>;
  /** Newest first. */
  list(query: { after?: string; limit: number }): Promise<Listed<FleetView>>;
  /** By instance. */
  members(id: string, query: { status?: MemberStatus; after?: string; limit: number }): Promise<Listed<FleetMember>>;
  /** What has begun is finished, the rest is skipped. */
  cancel(id: string): Promise<FleetView>;
}

/** Lines the instance sent with one report. */
export interface InstanceLog {
  at: string;
  /** The stage it reported, or the step that failed. */
  step: string;
  log: string;
}

export interface SystemDoor {
  view(): Promise<SystemView>;
}

/** What changes, for those who watch: one reader for each server is enough. */
export interface LiveDoor {
  /** Follows the events of all instances from now on. */
  tail(): ChangeTail;
  /** Those that are known now, ascending by `seq`. */
  after(seq: number, limit: number): Promise<InstanceChange[]>;
  readonly topics: readonly WatchedTopic[];
}

/** One at a time: its reads must not overlap. */
export interface ChangeTail {
  /** The greatest `seq` seen, and the one up to which none is missing: whoever goes on from there misses nothing. */
  readonly last: number;
  readonly mark: number;
  start(): Promise<void>;
  /** What has come since; read again until it is none. */
  read(): Promise<InstanceChange[]>;
}

/** Things of one kind that are few: read as they stand, and compared with what was told. */
export interface WatchedTopic {
  name: Exclude<StreamTopic, "instance">;
  /** Who is told. */
  role: Role;
  /** By key; `before`: what the last read gave. What is missing is gone, except for fleets. */
  read(before: ReadonlyMap<string, object>): Promise<ReadonlyMap<string, object>>;
}

/** Images that Provost makes (C2), by id or name. */
export interface ImageDoor {
  bake(request: BakeRequest, options?: { idempotencyKey?: string }): Promise<ImageView>;
  /** Newest first. */
  list(query: { all?: boolean; after?: string; limit: number }): Promise<Listed<ImageView>>;
  get(ref: string): Promise<ImageView>;
  /** Deletes it at the provider; ends a bake under way. */
  remove(ref: string): Promise<ImageView>;
  /** What deploys on its provider take that name no image. */
  makeDefault(ref: string): Promise<ImageView>;
}

export interface CallbackDoor {
  receive(instanceId: string, token: string, callback: Callback): Promise<{ changed: boolean }>;
}

export interface TokenDoor {
  /** Makes this the admin token of the deployment, in place of an earlier one. */
  ensureAdmin(token: string): Promise<void>;
  /** Whose token it is; undefined for one that is unknown, revoked or expired. */
  verify(token: string): Promise<TokenHolder | undefined>;
  /** Whether the token of this id still opens anything: for what stays open longer than a request. */
  isLive(id: string): Promise<boolean>;
  create(request: TokenRequest): Promise<CreatedToken>;
  /** Newest first, revoked and expired ones too. */
  list(query: { after?: string; limit: number }): Promise<Listed<TokenView>>;
  /** By id, or by the name of one that is not revoked. It opens nothing from this moment on. */
  revoke(ref: string): Promise<TokenView>;
}

/** Cookies of people at the page (C15). */
export interface SessionDoor {
  /** Exchanges a token for a session; undefined for a token that opens nothing. */
  open(token: string, requestId: string): Promise<OpenedSession | undefined>;
  /** Whose it is; undefined for one that is unknown or over. Counts as use. */
  verify(secret: string): Promise<SessionHolder | undefined>;
  /** As it stands. */
  get(secret: string): Promise<Session | undefined>;
  /** Whether the session of this id still opens anything. */
  isLive(id: string): Promise<boolean>;
  close(id: string): Promise<void>;
}

export interface OpenedSession {
  /** The cookie's value. */
  secret: string;
  session: Session;
}

export interface SessionHolder {
  /** Of the session. */
  id: string;
  csrf: string;
  /** Its token's. */
  holder: TokenHolder;
}

export interface TokenHolder {
  id: string;
  name: string;
  role: Role;
}

/** The audit log (C15). Nothing here changes a line: they are added by what is done, and end with their age. */
export interface AuditDoor {
  /** An action that somebody asks for. */
  begin(actor: TokenHolder, asked: { action: string; requestId: string; target?: string | undefined }): Act;
  /** Runs in the name of the act: what it commits is told as done by its actor. */
  run<T>(act: Act, run: () => T): T;
  /** Tells what was refused, and what changed nothing. Never throws. */
  end(act: Act, refusal?: ProvostError): Promise<void>;
  /** Newest first. */
  list(query: AuditQuery): Promise<Listed<AuditEntry>>;
}

export interface AuditQuery {
  /** Id or name of a token. */
  actor?: string;
  action?: string;
  /** Id or name of a thing. */
  target?: string;
  after?: string;
  limit: number;
}

/** What the provider has with our tag and we do not know, and how far the sweeps are that find it (C10, C13). */
export interface OrphanDoor {
  list(query: { provider?: string; after?: string; limit: number }): Promise<Listed<Orphan>>;
  destroy(provider: string, providerId: string): Promise<Orphan>;
  setPolicy(provider: string, policy: OrphanPolicy): Promise<void>;
  sweeps(): Promise<SweepView[]>;
}

/** Servers that are there already (C13). */
export interface AdoptionDoor {
  adopt(request: AdoptRequest): Promise<Instance>;
  release(ref: string): Promise<Instance>;
}

/** Webhooks, by id or name, and what was sent to them (C7). */
export interface WebhookDoor {
  /** By name. */
  list(): Promise<WebhookView[]>;
  get(ref: string): Promise<WebhookView>;
  add(request: WebhookRequest): Promise<CreatedWebhook>;
  remove(ref: string): Promise<WebhookView>;
  /** Sends one `webhook.test`; the delivery shows what came of it. */
  test(ref: string): Promise<Delivery>;
  /** Newest first. */
  deliveries(ref: string, query: DeliveryQuery): Promise<Listed<Delivery>>;
  delivery(ref: string, id: string): Promise<DeliveryWithBody>;
  redeliver(ref: string, id: string): Promise<Delivery>;
}

export interface DeliveryQuery {
  status?: Delivery["status"];
  after?: string;
  limit: number;
}

/** Where a page begins and how long it is. */
export interface PageQuery {
  after?: string | undefined;
  limit: number;
}

/** Jobs of the job manager, the control plane's own and all others in its store (L15), and what is done to them by hand. */
export interface JobDoor {
  overview(): Promise<JobsOverview>;
  /** Newest first. */
  list(query: JobFilter & PageQuery & { id?: string | undefined; key?: string | undefined }): Promise<Listed<JobView>>;
  counts(filter: JobFilter): Promise<JobCounts>;
  get(id: string): Promise<JobDetail>;
  /** Oldest first. */
  logs(id: string, query: PageQuery): Promise<Listed<JobLogLine>>;
  why(id: string): Promise<JobWhy>;
  /** The flow that it is a job of, big stages in short. */
  flow(id: string): Promise<JobFlow>;
  flowPage(id: string, stage: string, query: PageQuery): Promise<FlowPage>;
  act(id: string, action: Exclude<JobAction, "move">, request?: JobActRequest): Promise<JobActResult>;
  move(id: string, request: JobMoveRequest): Promise<JobActResult>;
  /** How many an action would meet; nothing is done. */
  preview(request: JobsActPreviewRequest): Promise<JobsActPreview>;
  actAll(request: JobsActRequest): Promise<JobsActed>;
  /** Jobs that this process has seen begin or end; what others do is seen in the overview. */
  subscribe(listener: (job: { id: string; name: string }) => void): () => void;
}

/** Lines of jobs, by name. */
export interface QueueDoor {
  list(query: PageQuery): Promise<Listed<QueueView>>;
  get(name: string): Promise<QueueView>;
  pause(name: string): Promise<QueueView>;
  resume(name: string): Promise<QueueView>;
  setLimits(name: string, change: QueueChange): Promise<QueueView>;
}

/** Recurring jobs, by name (L13). */
export interface ScheduleDoor {
  list(query: PageQuery): Promise<Listed<ScheduleView>>;
  /** With its next `runs`, local times in `zone`. */
  get(name: string, query: { runs: number; zone?: string | undefined }): Promise<ScheduleDetail>;
  /** The scheduler's log, latest due first. */
  ticks(name: string, query: PageQuery & { shard?: number | undefined }): Promise<Listed<ScheduleTick>>;
  run(name: string, shards: readonly number[] | undefined): Promise<ScheduleRun>;
  pause(name: string): Promise<ScheduleView>;
  resume(name: string): Promise<ScheduleView>;
}

/** The job managers on this store, by id. */
export interface ProcessDoor {
  list(query: PageQuery): Promise<Listed<ProcessView>>;
  get(id: string): Promise<ProcessDetail>;
  /** `quiet`: takes no more jobs; `stop`: ends what it runs, too; `run`: goes on. */
  ask(id: string, asked: "run" | "quiet" | "stop"): Promise<ProcessView>;
}
