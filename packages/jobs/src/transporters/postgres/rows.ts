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
 * server 1.1, six cost 2.4 and 1.3; all rows in one JSON 1.6, but the server 3.3. Ids first, which are read as texts.
 */
export const claimedLine = `concat_ws(' ', coalesce(id, 0), coalesce(flow_id, 0), coalesce(parent_id, 0), timeout_ms, created_at, ready_at,
  fence, version, base_priority, priority, attempts, attempts_used, crashes, errors, cancel_requested::integer, directed::integer),
  name, queue, lane, input, wake_key`;
const numbersInLine = 13;

type Line = readonly (string | null)[];

/** The queue of a line without an id: it has more to look at. */
export function moreIn(line: Line): string | undefined {
  return line[0]?.charCodeAt(0) === zero ? (line[2] ?? undefined) : undefined;
}

/**
 * A line of `claimedLine`, with an id. Written for V8's compiler, which takes apart what it inlines: a call for each number and a destructured
 * line cost a fresh process 60 ms of compiling.
 *
 * @param before the one before it: most are of the same name and queue, whose texts need not be kept once for each of thousands.
 */
export function claimedOf(line: Line, before: Claimed | undefined): Claimed {
  const text = line[0] ?? "";
  const idEnd = text.indexOf(" ");
  const flowEnd = text.indexOf(" ", idEnd + 1);
  const parentEnd = text.indexOf(" ", flowEnd + 1);
  const flowId = text.slice(idEnd + 1, flowEnd);
  const parentId = text.slice(flowEnd + 1, parentEnd);
  const numbers = numbersFrom(text, parentEnd + 1);
  const name = line[1] ?? "";
  const queue = line[2] ?? "";
  const wakeKey = line[5];
  const claimed: Claimed = {
    id: text.slice(0, idEnd),
    name: before !== undefined && before.name === name ? before.name : name,
    queue: before !== undefined && before.queue === queue ? before.queue : queue,
    lane: line[3] === "long" ? "long" : "short",
    input: line[4] ?? "",
    fence: boxless(numbers[3]),
    version: boxless(numbers[4]),
    basePriority: boxless(numbers[5]),
    priority: boxless(numbers[6]),
    attempts: boxless(numbers[7]),
    attemptsUsed: boxless(numbers[8]),
    crashes: boxless(numbers[9]),
    errors: boxless(numbers[10]),
    timeoutMs: boxless(numbers[0]),
    cancelRequested: numbers[11] === 1,
    createdAt: numbers[1] ?? 0,
    readyAt: numbers[2] ?? 0,
  };
  if (flowId !== "0") claimed.flowId = flowId;
  if (parentId !== "0") claimed.parentId = parentId;
  if (wakeKey !== null && wakeKey !== undefined) claimed.wakeKey = wakeKey;
  if (numbers[12] === 1) claimed.directed = true;
  return claimed;
}

const [space, minus, zero] = [32, 45, 48];

/** Of the line that is read: valid until the next one is. */
const numbersRead = new Float64Array(numbersInLine);

/** To V8 what it reads from an array of doubles is a box of 16 bytes wherever it goes; what is small enough is made an integer, which is none. */
function boxless(read = 0): number {
  const small = read | 0;
  return small === read ? small : read;
}

/** Integers in a text, one after the other: split into strings they would be 500 bytes of garbage a job, and a job has 300 to stay. */
function numbersFrom(text: string, from: number): Float64Array {
  let at = from;
  for (let index = 0; index < numbersInLine; index += 1) {
    const isNegative = text.charCodeAt(at) === minus;
    if (isNegative) at += 1;
    let value = 0;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === space) break;
      value = value * 10 + (code - zero);
    }
    at += 1;
    numbersRead[index] = isNegative ? -value : value;
  }
  return numbersRead;
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
