import type {
  FleetAction,
  IfBusy,
  InstanceEvent,
  InstanceStatus,
  MemberStatus,
  Stage,
  TaskKind,
  TaskStatus,
} from "@provost/contract";
import type { ColumnType, Generated } from "kysely";

/**
 * Tables of the control plane, all with the prefix `control_`. Instants are ms since 1970 by the store's clock; on
 * PostgreSQL a bigint, which its client hands over as text: `instant()` in rows.ts reads both. JSON is text on both.
 */
export interface Database {
  control_deployment: DeploymentTable;
  control_provider: ProviderTable;
  control_instance: InstanceTable;
  control_instance_event: InstanceEventTable;
  control_access_token: AccessTokenTable;
  control_audit: AuditTable;
  control_webhook: WebhookTable;
  control_webhook_delivery: WebhookDeliveryTable;
  control_idempotency_key: IdempotencyKeyTable;
  control_task: TaskTable;
  control_fleet: FleetTable;
  control_fleet_member: FleetMemberTable;
}

/** ms since 1970. */
export type Instant = ColumnType<number | string, number, number>;
export type OptionalInstant = ColumnType<number | string | null, number | null, number | null>;

/** The work under way (CLOUD.md, Words). */
export type Task = "deploy" | TaskKind;

export interface DeploymentTable {
  /** One row. */
  singleton: number;
  id: string;
  created_at: Instant;
}

export interface ProviderTable {
  name: string;
  driver: string;
  endpoint: string | null;
  /** Sealed. */
  token: string | null;
  /** JSON object of texts. */
  options: string;
  /** JSON: region, type, image. */
  defaults: string;
  callback_url: string | null;
  /** Grows with each change, so that every server drops its client of the old one. */
  version: number;
  created_at: Instant;
  /** When its credentials were last tried, and why they were not good; null for good ones. */
  checked_at: OptionalInstant;
  check_code: string | null;
  check_message: string | null;
}

/** What the user wants, what the provider says and the work under way are three things (CLOUD.md, Words). */
export interface InstanceTable {
  id: string;
  name: string;
  provider: string;
  provider_name: string;
  region: string;
  type: string;
  image: string;
  monthly_usd: number | null;
  hourly_usd: number | null;
  /** The image that is made on it (C2): no user's instance. */
  builder_of: string | null;
  /** JSON array. */
  ssh_keys: string;
  /** Sealed: scripts carry secrets. */
  script: string | null;
  callback_url: string;
  /** As people read it; written only together with the three below. */
  status: InstanceStatus;
  desired: "running" | "stopped" | "destroyed";
  /** One at a time, taken by compare-and-set (C9); `task_id` is its record, which a deploy has not. */
  task: Task | null;
  task_id: string | null;
  /** 1: not to be destroyed. */
  protected: Generated<number>;
  /** JSON array of texts, in order. */
  tags: Generated<string>;
  flow_id: string | null;
  provider_id: string | null;
  /** Intent (C4): calls of `create` made so far, when the last one was made, and 1 while its answer is not known. */
  create_attempt: number;
  create_called_at: OptionalInstant;
  create_open: number;
  /** Since when the outcome has not been known. */
  unknown_since: OptionalInstant;
  accepted_at: OptionalInstant;
  active_at: OptionalInstant;
  observed_status: string | null;
  observed_text: string | null;
  observed_at: OptionalInstant;
  /** JSON arrays. */
  ipv4: string;
  ipv6: string;
  /** Last stage reported: 0 none, 1 booting, 2 configuring, 3 ready. */
  stage: number;
  /** JSON: what the instance reported as failed. */
  boot_failure: string | null;
  token_nonce: string;
  token_expires_at: OptionalInstant;
  /** Sealed, until it has been shown. */
  root_password: string | null;
  root_password_state: "none" | "sealed" | "shown";
  /** JSON `Failure`. */
  failure: string | null;
  created_at: Instant;
  provisioned_at: OptionalInstant;
  archived_at: OptionalInstant;
}

/** Always written after its instance's row in the same transaction, so that `seq` ascends with the commits of one instance. */
export interface InstanceEventTable {
  seq: ColumnType<number | string, never, never>;
  instance_id: string;
  at: Instant;
  kind: InstanceEvent["kind"];
  message: string;
  stage: Stage | null;
  task_id: string | null;
  log: string | null;
}

export interface AccessTokenTable {
  id: string;
  name: string;
  role: string;
  /** SHA-256, hex. */
  hash: string;
  created_at: Instant;
  last_used_at: OptionalInstant;
  revoked_at: OptionalInstant;
  expires_at: OptionalInstant;
  /** Name of the token that made it. */
  created_by: string | null;
}

/** Only ever added to; see audit-line.ts. */
export interface AuditTable {
  seq: ColumnType<number | string, never, never>;
  at: Instant;
  /** Null for what this server does by itself. */
  actor_id: string | null;
  actor_name: string;
  actor_role: string | null;
  action: string;
  target_id: string | null;
  target_name: string | null;
  /** JSON objects, without secrets. */
  state_before: string | null;
  state_after: string | null;
  outcome: string;
  code: string | null;
  detail: string | null;
  request_id: string | null;
}

export interface WebhookTable {
  id: string;
  name: string;
  url: string;
  /** JSON array of event names. */
  events: string;
  /** Sealed. */
  secret: string;
  created_at: Instant;
  created_by: string | null;
}

/** One message for one webhook. Kept when its webhook goes, until its age ends it. */
export interface WebhookDeliveryTable {
  id: string;
  webhook_id: string;
  event: string;
  instance_id: string | null;
  /** As it is sent, each time. */
  body: string;
  status: "pending" | "delivered" | "failed";
  /** Made so far, and after how many it is given up. */
  attempts: number;
  attempts_max: number;
  created_at: Instant;
  last_attempt_at: OptionalInstant;
  next_attempt_at: OptionalInstant;
  /** Of the last attempt: HTTP status where there was one, and its first words or why there was none. */
  answer_status: number | null;
  answer: string | null;
}

export interface IdempotencyKeyTable {
  key: string;
  request_hash: string;
  instance_id: string;
  created_at: Instant;
}

/** One thing that was asked of one instance (C9), and how far it is. Kept while its instance's record is. */
export interface TaskTable {
  /** Ascends with the time of the request: those that wait take their turn by it. */
  id: string;
  instance_id: string;
  kind: TaskKind;
  status: TaskStatus;
  /** JSON: `type`, `backup`, `label`. */
  input: string;
  /** JSON `Progress`, and how often it was written: each write is a compare-and-set on that. */
  progress: string;
  version: number;
  /** JSON `Failure`: set by the first step that fails, before anything is put back. */
  failure: string | null;
  requested_by: string | null;
  fleet_id: string | null;
  flow_id: string | null;
  idempotency_key: string | null;
  created_at: Instant;
  started_at: OptionalInstant;
  /** Its clock (C7) begins with the first answer of the provider; less the time in the line of a rate budget. */
  clock_at: OptionalInstant;
  paused_ms: Instant;
  undo_at: OptionalInstant;
  ended_at: OptionalInstant;
}

/** One command to many instances. */
export interface FleetTable {
  id: string;
  action: FleetAction;
  type: string | null;
  filter: string | null;
  concurrency: number;
  failures_max: number;
  if_busy: IfBusy;
  status: "running" | "done" | "stopped" | "cancelled";
  total: number;
  /** JSON: in whose name it is done, and in which request (C15); null where nobody has asked. */
  actor: string | null;
  idempotency_key: string | null;
  created_at: Instant;
  ended_at: OptionalInstant;
}

/** What becomes of one of them. */
export interface FleetMemberTable {
  fleet_id: string;
  instance_id: string;
  name: string;
  status: MemberStatus;
  task_id: string | null;
  code: string | null;
  message: string | null;
  started_at: OptionalInstant;
  ended_at: OptionalInstant;
}
