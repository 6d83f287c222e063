/**
 * Every error that the API and the command line can answer with: one list, checked against `docs/errors.md` both ways.
 * `status` is the HTTP status of its problem+json; `exit` the command line's exit code (C14).
 */
export const exitCodes = {
  done: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  notAllowed: 4,
  conflict: 5,
  timeout: 6,
  operationFailed: 7,
  interrupted: 130,
} as const;

interface ErrorKind {
  status: number;
  exit: number;
  title: string;
}

const kinds = {
  // What was asked
  invalid_request: { status: 400, exit: 2, title: "The request is not valid" },
  invalid_name: { status: 400, exit: 2, title: "The name is not valid" },
  invalid_ssh_key: { status: 400, exit: 2, title: "The SSH key is not valid" },
  user_data_too_large: { status: 422, exit: 2, title: "The user data is too large for this provider" },
  image_not_found: { status: 422, exit: 3, title: "The provider has no such image" },
  type_not_found: { status: 422, exit: 3, title: "The provider has no such type" },
  region_not_found: { status: 422, exit: 3, title: "The provider has no such region" },
  type_not_in_region: { status: 422, exit: 3, title: "The provider does not have this type in this region now" },
  image_too_large: { status: 422, exit: 2, title: "The image is larger than the type's disk" },
  provider_not_found: { status: 404, exit: 3, title: "No such provider is set up" },
  baked_image_not_found: { status: 404, exit: 3, title: "Provost has made no such image" },
  instance_not_found: { status: 404, exit: 3, title: "No such instance" },
  orphan_not_found: { status: 404, exit: 3, title: "No such orphan" },
  server_not_found: { status: 404, exit: 3, title: "The provider has no such server" },
  webhook_not_found: { status: 404, exit: 3, title: "No such webhook" },
  delivery_not_found: { status: 404, exit: 3, title: "No such delivery" },
  webhook_url_refused: { status: 422, exit: 2, title: "The address of the webhook is refused" },
  task_not_found: { status: 404, exit: 3, title: "No such task" },
  job_not_found: { status: 404, exit: 3, title: "No such job" },
  flow_not_found: { status: 404, exit: 3, title: "The job is in no such flow" },
  queue_not_found: { status: 404, exit: 3, title: "No such queue" },
  schedule_not_found: { status: 404, exit: 3, title: "No such schedule" },
  process_not_found: { status: 404, exit: 3, title: "No such process" },
  jobs_empty: { status: 422, exit: 3, title: "No job fits" },
  jobs_too_many: { status: 422, exit: 2, title: "Too many jobs fit" },
  fleet_not_found: { status: 404, exit: 3, title: "No such fleet command" },
  fleet_empty: { status: 422, exit: 3, title: "No instance fits" },
  fleet_too_large: { status: 422, exit: 2, title: "Too many instances fit" },
  backup_not_found: { status: 404, exit: 3, title: "The instance has no such backup" },
  backups_not_offered: { status: 422, exit: 2, title: "The provider has no backups of that kind" },
  session_not_found: { status: 404, exit: 3, title: "The request has no session" },
  token_not_found: { status: 404, exit: 3, title: "No such token" },
  driver_not_found: { status: 422, exit: 2, title: "No such driver" },
  request_too_large: { status: 413, exit: 2, title: "The request is too large" },
  media_type_not_supported: { status: 415, exit: 2, title: "The request's content type is not supported" },
  route_not_found: { status: 404, exit: 3, title: "No such address in this API" },
  // Who asks
  unauthenticated: { status: 401, exit: 4, title: "A valid token is needed" },
  forbidden: { status: 403, exit: 4, title: "This token may not do that" },
  csrf_rejected: { status: 403, exit: 4, title: "The request does not prove that it comes from the page" },
  too_many_attempts: { status: 429, exit: 4, title: "Too many sign-ins have failed" },
  callback_token_rejected: { status: 401, exit: 4, title: "The callback's token is not valid" },
  // How things stand
  name_taken: { status: 409, exit: 5, title: "The name is taken" },
  provider_exists: { status: 409, exit: 5, title: "A provider of this name exists" },
  image_exists: { status: 409, exit: 5, title: "An image of this name exists" },
  image_in_use: { status: 409, exit: 5, title: "The image is the provider's default" },
  image_not_ready: { status: 409, exit: 5, title: "The image is not available" },
  token_exists: { status: 409, exit: 5, title: "A token of this name exists" },
  webhook_exists: { status: 409, exit: 5, title: "A webhook of this name exists" },
  webhook_limit_reached: { status: 409, exit: 5, title: "There are too many webhooks" },
  admin_token_kept: { status: 409, exit: 5, title: "The token belongs to the data folder" },
  idempotency_key_reused: { status: 409, exit: 5, title: "The idempotency key was used for another request" },
  task_in_progress: { status: 409, exit: 5, title: "The instance has a task under way" },
  task_not_waiting: { status: 409, exit: 5, title: "The task is not waiting" },
  instance_running: { status: 409, exit: 5, title: "The instance is running" },
  instance_stopped: { status: 409, exit: 5, title: "The instance is stopped" },
  instance_not_ready: { status: 409, exit: 5, title: "The instance is not in a state for that" },
  instance_protected: { status: 409, exit: 5, title: "The instance is protected" },
  type_unchanged: { status: 409, exit: 5, title: "The instance has that type already" },
  job_refused: { status: 409, exit: 5, title: "The job is not in a state for that" },
  jobs_changed: { status: 409, exit: 5, title: "More jobs fit than were confirmed" },
  fleet_changed: { status: 409, exit: 5, title: "The fleet is not what was confirmed" },
  backup_not_available: { status: 409, exit: 5, title: "The backup cannot be restored" },
  server_known: { status: 409, exit: 5, title: "The server is an instance already" },
  server_owned: { status: 409, exit: 5, title: "The server belongs to another deployment" },
  root_password_not_available: { status: 410, exit: 3, title: "The root password is not to be had" },
  // The callback address (C6)
  callback_url_missing: { status: 422, exit: 2, title: "No address for callbacks is configured" },
  callback_url_refused: { status: 422, exit: 2, title: "The address for callbacks is refused" },
  callback_unreachable: { status: 422, exit: 1, title: "The address for callbacks does not reach this server" },
  // The provider's side
  provider_credentials_rejected: { status: 422, exit: 4, title: "The provider does not accept the credentials" },
  provider_unavailable: { status: 503, exit: 1, title: "The provider cannot be reached" },
  provider_refused: { status: 502, exit: 1, title: "The provider refused" },
  // The server itself, at start and at work
  config_invalid: { status: 500, exit: 2, title: "The configuration is not valid" },
  data_folder_unusable: { status: 500, exit: 1, title: "The data folder cannot be used" },
  data_folder_in_use: { status: 500, exit: 5, title: "Another server uses the data folder" },
  port_in_use: { status: 500, exit: 5, title: "The port is taken" },
  database_unusable: { status: 500, exit: 1, title: "The database cannot be used" },
  secret_unreadable: { status: 500, exit: 1, title: "A sealed secret cannot be opened" },
  sandbox_failed: { status: 500, exit: 1, title: "The sandbox did not start" },
  server_unavailable: { status: 503, exit: 1, title: "The server cannot be reached" },
  wait_timed_out: { status: 504, exit: 6, title: "The wait took too long" },
  instance_failed: { status: 500, exit: 7, title: "The instance failed" },
  internal: { status: 500, exit: 1, title: "Something broke inside Provost" },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof kinds;
export const errorKinds: Readonly<Record<ErrorCode, ErrorKind>> = kinds;

/** Thrown by everything above the job manager: `detail` is one line with the offending value and the way out. */
export class ProvostError extends Error {
  override readonly name = "ProvostError";
  readonly code: ErrorCode;
  /** Which input was wrong, as the caller named it (`name`, `region`, …). */
  readonly field: string | undefined;

  constructor(code: ErrorCode, detail: string, options?: { field?: string; cause?: unknown }) {
    super(detail, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = options?.field;
  }
}
