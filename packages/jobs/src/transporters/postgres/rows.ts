import type { Attempt, AttemptCause, Flow, FlowStatus, Job, JobFailure, JobStatus, Lane } from "../../core/job.ts";
import type { JobBrief } from "../browse.ts";
import type { AmendResult, Change, Claimed, ExpiredClaim } from "../transporter.ts";

/** `bigint` arrives as text, inside JSON as a number: ids become the one, instants the other, exact up to 2^53. */
type Big = string | number;

export interface ClaimedRow {
  id: Big;
  name: string;
  queue: string;
  lane: Lane;
  input: string;
  fence: number;
  version: number;
  base_priority: number;
  priority: number;
  attempts: number;
  attempts_used: number;
  crashes: number;
  timeout_ms: Big;
  cancel_requested: boolean;
  created_at: Big;
  ready_at: Big;
  flow_id: Big | null;
  parent_id: Big | null;
  wake_key: string | null;
  started: boolean;
  claimed_by: string | null;
  directed: boolean;
  errors: number;
}

export interface JobRow extends Omit<ClaimedRow, "started" | "directed"> {
  limit_key: string | null;
  gate_forced_by: string | null;
  held_at: Big | null;
  status: JobStatus;
  stage: number | null;
  unique_key: string | null;
  result: string | null;
  failure: string | null;
  started_at: Big | null;
  lease_until: Big | null;
  finished_at: Big | null;
}

export interface AttemptRow {
  job_id: Big;
  started_at: Big;
  ended_at: Big;
  fence: number;
  priority_before: number;
  priority_after: number;
  cause: AttemptCause;
  claimed_by: string;
  failure: string | null;
}

export interface FlowRow {
  id: Big;
  created_at: Big;
  finished_at: Big | null;
  failed_job_id: Big | null;
  on_failed_job_id: Big | null;
  status: FlowStatus;
  failure: string | null;
}

/** Written by this store only, from a JobFailure. */
function failureOf(text: string): JobFailure {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return JSON.parse(text) as JobFailure;
}

export function toClaimed(row: ClaimedRow): Claimed {
  const claimed: Claimed = {
    id: String(row.id),
    name: row.name,
    queue: row.queue,
    lane: row.lane,
    input: row.input,
    fence: row.fence,
    version: row.version,
    basePriority: row.base_priority,
    priority: row.priority,
    attempts: row.attempts,
    attemptsUsed: row.attempts_used,
    crashes: row.crashes,
    errors: row.errors,
    timeoutMs: Number(row.timeout_ms),
    cancelRequested: row.cancel_requested,
    createdAt: Number(row.created_at),
    readyAt: Number(row.ready_at),
  };
  if (row.flow_id !== null) claimed.flowId = String(row.flow_id);
  if (row.parent_id !== null) claimed.parentId = String(row.parent_id);
  if (row.wake_key !== null) claimed.wakeKey = row.wake_key;
  if (row.directed) claimed.directed = true;
  return claimed;
}

/**
 * The columns of a claim, as `Connections.lines` gets them: the numbers in one text. 20 columns cost this process 3.9 µs a row and the
 * server 1.1, six cost 2.4 and 1.3; all rows in one JSON 1.6, but the server 3.3.
 */
export const claimedLine = `concat_ws(' ', coalesce(id, 0), fence, version, base_priority, priority, attempts, attempts_used, crashes,
  errors, timeout_ms, cancel_requested::integer, created_at, ready_at, coalesce(flow_id, 0), coalesce(parent_id, 0), directed::integer),
  name, queue, lane, input, wake_key`;

/** The queue of a line without an id: it has more to look at. */
export function moreIn([numbers, , queue]: readonly (string | null)[]): string | undefined {
  return numbers?.startsWith("0 ") === true ? (queue ?? undefined) : undefined;
}

/**
 * A line of `claimedLine`, with an id.
 *
 * @param before the one before it: most are of the same name and queue, whose texts need not be kept once for each of thousands.
 */
export function claimedOf(
  [numbers, name, queue, lane, input, wakeKey]: readonly (string | null)[],
  before: Claimed | undefined,
): Claimed {
  const fields = new Fields(numbers ?? "");
  const claimed: Claimed = {
    id: fields.text(),
    name: before !== undefined && before.name === name ? before.name : (name ?? ""),
    queue: before !== undefined && before.queue === queue ? before.queue : (queue ?? ""),
    lane: lane === "long" ? "long" : "short",
    input: input ?? "",
    fence: fields.number(),
    version: fields.number(),
    basePriority: fields.number(),
    priority: fields.number(),
    attempts: fields.number(),
    attemptsUsed: fields.number(),
    crashes: fields.number(),
    errors: fields.number(),
    timeoutMs: fields.number(),
    cancelRequested: fields.number() === 1,
    createdAt: fields.number(),
    readyAt: fields.number(),
  };
  const flowId = fields.text();
  const parentId = fields.text();
  if (flowId !== "0") claimed.flowId = flowId;
  if (parentId !== "0") claimed.parentId = parentId;
  if (wakeKey !== null && wakeKey !== undefined) claimed.wakeKey = wakeKey;
  if (fields.number() === 1) claimed.directed = true;
  return claimed;
}

const [space, minus, zero] = [32, 45, 48];

/** Integers in a text, one after the other: split into strings they would be 500 bytes of garbage a job, and a job has 300 to stay. */
class Fields {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  text(): string {
    const from = this.#at;
    const to = this.#text.indexOf(" ", from);
    this.#at = to + 1;
    return this.#text.slice(from, to);
  }

  number(): number {
    const text = this.#text;
    const isNegative = text.charCodeAt(this.#at) === minus;
    let at = isNegative ? this.#at + 1 : this.#at;
    let value = 0;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === space) break;
      value = value * 10 + (code - zero);
    }
    this.#at = at + 1;
    return isNegative ? -value : value;
  }
}

/** The text that the function `amend` is given with a change. */
export function reasonOf(change: Change): string | null {
  if (change.kind === "cancel") return change.reason;
  if (change.kind === "force-gate") return change.by;
  return change.kind === "move" ? change.queue : null;
}

/** As the function `amend` has it: the state, or the status that refused it and, of some acts, why; how many were changed below. */
export function toAmendResult(text: string, below: number | null): AmendResult {
  const descendants = below === null ? {} : { descendants: below };
  if (text === "requested") return { state: text, ...descendants };
  // One that is processed has let those below it begin: they are what is meant.
  if (text === "applied" || (below ?? 0) > 0) return { state: "applied", ...descendants };
  const [status, why] = text.split(":");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by that function only
  return { state: "refused", status, ...(why === undefined ? {} : { why }) } as AmendResult;
}

export function toExpired(row: ClaimedRow): ExpiredClaim {
  return { ...toClaimed(row), started: row.started, claimedBy: row.claimed_by ?? "" };
}

export function toJob(row: JobRow): Job {
  const job = { ...shared(row), input: row.input };
  return row.result === null ? job : { ...job, result: row.result };
}

/** A job's row without its input and result, with the id of its stage. */
export interface BriefRow extends Omit<JobRow, "input" | "result"> {
  stage_id: Big | null;
}

export function toBrief(row: BriefRow): JobBrief {
  const brief = shared(row);
  return row.stage_id === null ? brief : { ...brief, stageId: String(row.stage_id) };
}

function shared(row: Omit<JobRow, "input" | "result">): Omit<Job, "input" | "result"> {
  const { input: _input, ...claimed } = toClaimed({
    ...row,
    input: "",
    started: row.started_at !== null,
    directed: false,
  });
  return {
    ...claimed,
    status: row.status,
    ...(row.stage === null ? {} : { stage: row.stage }),
    ...(row.unique_key === null ? {} : { uniqueKey: row.unique_key }),
    ...(row.limit_key === null ? {} : { limitKey: row.limit_key }),
    ...(row.held_at === null ? {} : { heldAt: Number(row.held_at) }),
    ...(row.gate_forced_by === null ? {} : { gateForcedBy: row.gate_forced_by }),
    ...(row.failure === null ? {} : { failure: failureOf(row.failure) }),
    ...(row.started_at === null ? {} : { startedAt: Number(row.started_at) }),
    ...(row.lease_until === null ? {} : { leaseUntil: Number(row.lease_until) }),
    ...(row.finished_at === null ? {} : { finishedAt: Number(row.finished_at) }),
    ...(row.claimed_by === null ? {} : { claimedBy: row.claimed_by }),
  };
}

export function toAttempt(row: AttemptRow): Attempt {
  return {
    jobId: String(row.job_id),
    fence: row.fence,
    cause: row.cause,
    claimedBy: row.claimed_by,
    startedAt: Number(row.started_at),
    endedAt: Number(row.ended_at),
    priorityBefore: row.priority_before,
    priorityAfter: row.priority_after,
    ...(row.failure === null ? {} : { failure: failureOf(row.failure) }),
  };
}

export function toFlow(row: FlowRow): Flow {
  return {
    id: String(row.id),
    status: row.status,
    ...(row.failed_job_id === null ? {} : { failedJobId: String(row.failed_job_id) }),
    ...(row.failure === null ? {} : { failure: failureOf(row.failure) }),
    ...(row.on_failed_job_id === null ? {} : { onFailedJobId: String(row.on_failed_job_id) }),
    createdAt: Number(row.created_at),
    ...(row.finished_at === null ? {} : { finishedAt: Number(row.finished_at) }),
  };
}
