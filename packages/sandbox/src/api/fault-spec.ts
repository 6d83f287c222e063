import type { EventAction } from "../events/event-record.ts";
import { SandboxError } from "../errors.ts";

const TIMES_MAX = 1_000_000_000;

/** What can go wrong with a call. */
export type CallFaultKind =
  /** The call has its effect, then the connection is cut without an answer. */
  | "lost_answer"
  /** 5xx, and the call had no effect. */
  | "error_before"
  /** 5xx, though the call had its effect. */
  | "error_after"
  /** 429 with `Retry-After`; no effect. */
  | "rate_limit"
  /** The effect, then `delay_ms` until the answer. */
  | "slow"
  /** 503 with `X-Maintenance-Mode`; no effect. */
  | "maintenance"
  /** Every instance in the answer shows a status that it does not have. */
  | "flapping"
  /** Every page of a list but the first is out of place by `shift` items, as when the list changed in between. */
  | "shifted_pages";

/** What can go wrong with an instance's task. */
export type TaskFaultKind =
  /** The task never ends: the instance stays `booting`, or whatever it is. */
  | "stuck"
  /** The task ends, its event `failed`, and has changed nothing. */
  | "task_failed";

export type FaultKind = CallFaultKind | TaskFaultKind;

const KINDS: readonly FaultKind[] = [
  "lost_answer",
  "error_before",
  "error_after",
  "rate_limit",
  "slow",
  "maintenance",
  "flapping",
  "shifted_pages",
  "stuck",
  "task_failed",
];

const ACTIONS: readonly EventAction[] = [
  "linode_create",
  "linode_boot",
  "linode_reboot",
  "linode_shutdown",
  "linode_delete",
  "linode_resize",
  "linode_rebuild",
  "backups_restore",
];

/** The body of `POST /sandbox/faults`; null is as good as absent. */
export interface FaultSpec {
  kind: FaultKind;
  /** Calls of this method; any when absent. */
  method?: string | null;
  /** Calls of this path, without query; `*` stands for one segment, a last `**` for any rest. All of them by default. */
  path?: string;
  /** Tasks that the feed calls so, as `linode_resize`; any when absent, for `stuck` those that boot. */
  action?: EventAction | null;
  /** Tasks of instances whose label begins so. */
  label_prefix?: string;
  /** How many matches it hits; 1 by default, without end when `for_ms` is given. */
  times?: number;
  /** It is over after so many milliseconds; never when absent. */
  for_ms?: number | null;
  /** Chance that a match is hit, 0–1; 1 by default. Drawn from the sandbox's seed. */
  probability?: number;
  /** For the 5xx kinds: 500–599, 500 by default. */
  status?: number;
  /** Seconds: 1 by default for `rate_limit`; other errors carry one when it is given, a negative one too. */
  retry_after?: number | null;
  /** For `slow`: 10,000 by default. */
  delay_ms?: number;
  /** For `shifted_pages`: items that are missed (1 by default), or seen again when negative. */
  shift?: number;
}

/** A fault as `GET /sandbox/faults` shows it. */
export interface FaultView {
  id: number;
  kind: FaultKind;
  method: string | null;
  path: string;
  action: EventAction | null;
  label_prefix: string;
  times: number;
  for_ms: number | null;
  probability: number;
  status: number;
  retry_after: number | null;
  delay_ms: number;
  shift: number;
  /** Hits so far. */
  applied: number;
}

export function isTaskFault(kind: FaultKind): kind is TaskFaultKind {
  return kind === "stuck" || kind === "task_failed";
}

/** Reads an order from outside. Throws `sandbox_option_invalid`. */
export function readFaultSpec(spec: unknown): Omit<FaultView, "id" | "applied"> {
  const fields: Partial<Record<keyof FaultSpec, unknown>> = typeof spec === "object" && spec !== null ? spec : {};
  const { method, path = "/v4/**", label_prefix: labelPrefix = "" } = fields;
  const kind = KINDS.find((known) => known === fields.kind);
  if (kind === undefined) throw refusedFault(`kind ${show(fields.kind)}: use ${KINDS.join(", ")}`);
  if (typeof path !== "string" || !path.startsWith("/") || path.length > 200) {
    throw refusedFault(`path ${show(path)}: use a path such as /v4/linode/instances or /v4/linode/instances/*`);
  }
  if (
    method !== undefined &&
    method !== null &&
    (typeof method !== "string" || !/^(GET|POST|PUT|DELETE)$/i.test(method))
  ) {
    throw refusedFault(`method ${show(method)}: use GET, POST, PUT or DELETE, or leave it out`);
  }
  if (typeof labelPrefix !== "string") throw refusedFault(`label_prefix ${show(labelPrefix)}: use text`);
  const forMs = readOptional("for_ms", fields.for_ms, 1, 86_400_000);
  return {
    kind,
    method: typeof method === "string" ? method.toUpperCase() : null,
    path,
    action: readAction(kind, fields.action),
    label_prefix: labelPrefix,
    times: readOptional("times", fields.times, 1, TIMES_MAX) ?? (forMs === null ? 1 : TIMES_MAX),
    for_ms: forMs,
    probability: readOptional("probability", fields.probability, 0, 1) ?? 1,
    status: readOptional("status", fields.status, 500, 599) ?? 500,
    retry_after: readOptional("retry_after", fields.retry_after, -3_600, 3_600) ?? (kind === "rate_limit" ? 1 : null),
    delay_ms: readOptional("delay_ms", fields.delay_ms, 0, 3_600_000) ?? 10_000,
    shift: readOptional("shift", fields.shift, -500, 500) ?? 1,
  };
}

/** The refusal of a fault that nobody can do, with the value and the way out. */
export function refusedFault(what: string): SandboxError {
  return new SandboxError("sandbox_option_invalid", `fault refused: ${what}`);
}

function readAction(kind: FaultKind, value: unknown): EventAction | null {
  if (value === undefined || value === null) return kind === "stuck" ? "linode_boot" : null;
  const action = ACTIONS.find((known) => known === value);
  if (action === undefined) throw refusedFault(`action ${show(value)}: use ${ACTIONS.join(", ")}`);
  return action;
}

function readOptional(name: keyof FaultSpec, value: unknown, min: number, max: number): number | null {
  if (value === undefined || value === null) return null;
  const whole = name === "probability" || Number.isInteger(value);
  if (typeof value === "number" && whole && value >= min && value <= max) return value;
  throw refusedFault(`${name} ${show(value)}: use a number from ${min} to ${max}`);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 100);
}
