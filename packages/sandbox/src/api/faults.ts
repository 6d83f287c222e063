import type { Random } from "../clock/random.ts";
import { LinodeApiError, SandboxError } from "../errors.ts";
import { tooManyRequests } from "./rate-limiter.ts";

/** Faults that may be set at once. */
const FAULTS_MAX = 100;
const TIMES_MAX = 1_000_000_000;

export type FaultKind =
  /** The call has its effect, then the connection is cut without an answer. */
  | "lost_answer"
  /** 5xx, and the call had no effect. */
  | "error_before"
  /** 5xx, though the call had its effect. */
  | "error_after"
  /** 429 with `Retry-After`; no effect. */
  | "rate_limit";

const KINDS: readonly FaultKind[] = ["lost_answer", "error_before", "error_after", "rate_limit"];

/** The body of `POST /sandbox/faults`. */
export interface FaultSpec {
  kind: FaultKind;
  /** Any method when absent. */
  method?: string;
  /** Path without query; `*` stands for one segment, a last `**` for any rest. */
  path: string;
  /** How many matching calls it hits; 1 by default. */
  times?: number;
  /** Chance that a matching call is hit, 0–1; 1 by default. Drawn from the sandbox's seed. */
  probability?: number;
  /** For the 5xx kinds: 500–599, 500 by default. */
  status?: number;
  /** For `rate_limit`: seconds, 1 by default. */
  retry_after?: number;
}

/** A fault as `GET /sandbox/faults` shows it. */
export interface FaultView extends Required<Omit<FaultSpec, "method">> {
  id: number;
  method: string | null;
  /** Calls hit so far. */
  applied: number;
}

/** Faults on demand (C16). The first one set that matches a call and has hits left takes it. */
export class Faults {
  readonly #random: Random;
  #faults: (FaultView & { pattern: RegExp })[] = [];
  #nextId = 1;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes an order from outside. Throws `sandbox_option_invalid`. */
  add(spec: unknown): FaultView {
    if (this.#faults.length >= FAULTS_MAX) {
      throw invalid(`there are ${FAULTS_MAX} faults already: DELETE /sandbox/faults first`);
    }
    const fault = { id: this.#nextId++, applied: 0, ...readSpec(spec) };
    this.#faults.push({ ...fault, pattern: patternOf(fault.path) });
    return fault;
  }

  list(): FaultView[] {
    return this.#faults.map(({ pattern: _pattern, ...fault }) => fault);
  }

  clear(): void {
    this.#faults = [];
  }

  /** What is to happen to this call, undefined for nothing. Uses up one hit. */
  take(method: string, path: string): FaultView | undefined {
    for (const fault of this.#faults) {
      if (fault.method !== null && fault.method !== method) continue;
      if (!fault.pattern.test(path)) continue;
      if (fault.probability < 1 && this.#random.next() >= fault.probability) continue;
      fault.applied++;
      if (fault.applied >= fault.times) this.#faults = this.#faults.filter((other) => other !== fault);
      return fault;
    }
    return undefined;
  }
}

/** Throws what a fault answers before the call's effect; for the other kinds nothing. */
export function throwBefore(fault: FaultView | undefined): void {
  if (fault?.kind === "rate_limit") throw tooManyRequests(fault.retry_after);
  if (fault?.kind === "error_before") throw internalError(fault.status);
}

/** Throws what a fault answers after the call's effect; `lost_answer` is the caller's to do. */
export function throwAfter(fault: FaultView | undefined): void {
  if (fault?.kind === "error_after") throw internalError(fault.status);
}

function internalError(status: number): LinodeApiError {
  return new LinodeApiError(status, [{ reason: "Internal Server Error" }]);
}

function readSpec(spec: unknown): Omit<FaultView, "id" | "applied"> {
  const fields: Partial<Record<keyof FaultSpec, unknown>> = typeof spec === "object" && spec !== null ? spec : {};
  const { method, path } = fields;
  const kind = KINDS.find((known) => known === fields.kind);
  if (kind === undefined) throw invalid(`kind ${show(fields.kind)}: use ${KINDS.join(", ")}`);
  if (typeof path !== "string" || !path.startsWith("/") || path.length > 200) {
    throw invalid(`path ${show(path)}: use a path such as /v4/linode/instances or /v4/linode/instances/*`);
  }
  if (method !== undefined && (typeof method !== "string" || !/^(GET|POST|PUT|DELETE)$/i.test(method))) {
    throw invalid(`method ${show(method)}: use GET, POST, PUT or DELETE, or leave it out`);
  }
  return {
    kind,
    method: typeof method === "string" ? method.toUpperCase() : null,
    path,
    times: readNumber("times", fields.times, 1, [1, TIMES_MAX]),
    probability: readNumber("probability", fields.probability, 1, [0, 1]),
    status: readNumber("status", fields.status, 500, [500, 599]),
    retry_after: readNumber("retry_after", fields.retry_after, 1, [0, 3_600]),
  };
}

function readNumber(name: string, value: unknown, otherwise: number, [min, max]: [number, number]): number {
  if (value === undefined) return otherwise;
  const whole = name === "probability" || Number.isInteger(value);
  if (typeof value === "number" && whole && value >= min && value <= max) return value;
  throw invalid(`${name} ${show(value)}: use a number from ${min} to ${max}`);
}

function patternOf(path: string): RegExp {
  const source = path
    .split("/")
    .map((segment) =>
      segment === "**" ? ".*" : segment === "*" ? "[^/]+" : segment.replaceAll(/[^\w-]/g, String.raw`\$&`),
    )
    .join("/");
  return new RegExp(`^${source}$`);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "undefined").slice(0, 100);
}

function invalid(what: string): SandboxError {
  return new SandboxError("sandbox_option_invalid", `fault refused: ${what}`);
}
