import type { Clock } from "../clock/clock.ts";
import type { Random } from "../clock/random.ts";
import type { EventAction } from "../events/event-record.ts";
import { LinodeApiError } from "../errors.ts";
import { type FaultView, isTaskFault, readFaultSpec, refusedFault } from "./fault-spec.ts";
import { tooManyRequests } from "./rate-limiter.ts";

/** Faults that may be set at once. */
const FAULTS_MAX = 100;
/** What a status that flaps can show. */
const FLAPS = ["running", "offline", "booting", "provisioning", "busy"] as const;

interface Armed {
  view: FaultView;
  pattern: RegExp;
  /** Epoch ms. */
  endsMs: number;
}

/** Faults on demand (C16). The first one set that matches a call, or a task, and has hits left takes it. */
export class Faults {
  readonly #random: Random;
  readonly #clock: Clock;
  #armed: Armed[] = [];
  #nextId = 1;

  constructor(random: Random, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** Takes an order from outside. Throws `sandbox_option_invalid`. */
  add(spec: unknown): FaultView {
    if (this.list().length >= FAULTS_MAX) {
      throw refusedFault(`there are ${FAULTS_MAX} faults already: DELETE /sandbox/faults first`);
    }
    const view: FaultView = { id: this.#nextId++, applied: 0, ...readFaultSpec(spec) };
    const endsMs = view.for_ms === null ? Number.POSITIVE_INFINITY : this.#clock.now() + view.for_ms;
    this.#armed.push({ view, pattern: patternOf(view.path), endsMs });
    return { ...view };
  }

  list(): FaultView[] {
    const now = this.#clock.now();
    this.#armed = this.#armed.filter(({ endsMs }) => endsMs > now);
    return this.#armed.map(({ view }) => ({ ...view }));
  }

  /** All of them, or the one of that id. */
  clear(id?: number): void {
    this.#armed = id === undefined ? [] : this.#armed.filter(({ view }) => view.id !== id);
  }

  /** What is to happen to this call, undefined for nothing. Uses up one hit. */
  takeCall(method: string, path: string): FaultView | undefined {
    return this.#take(
      ({ view, pattern }) =>
        !isTaskFault(view.kind) && (view.method === null || view.method === method) && pattern.test(path),
    );
  }

  /** What is to happen to this task of an instance, undefined for nothing. Uses up one hit. */
  takeTask(action: EventAction, label: string): FaultView | undefined {
    return this.#take(
      ({ view }) =>
        isTaskFault(view.kind) &&
        (view.action === null || view.action === action) &&
        label.startsWith(view.label_prefix),
    );
  }

  /** Gives every instance in an answer a status that it does not have. */
  flap(body: unknown): void {
    const instances = isObject(body) && Array.isArray(body["data"]) ? body["data"] : [body];
    for (const instance of instances) {
      if (!isObject(instance) || !("hypervisor" in instance)) continue;
      const others = FLAPS.filter((status) => status !== instance["status"]);
      instance["status"] = others[Math.floor(this.#random.next() * others.length)];
    }
  }

  #take(matches: (armed: Armed) => boolean): FaultView | undefined {
    if (this.#armed.length === 0) return undefined;
    const now = this.#clock.now();
    for (const armed of this.#armed) {
      const { view } = armed;
      if (armed.endsMs <= now || !matches(armed)) continue;
      if (view.probability < 1 && this.#random.next() >= view.probability) continue;
      view.applied++;
      if (view.applied >= view.times) this.#armed = this.#armed.filter((other) => other !== armed);
      return view;
    }
    return undefined;
  }
}

/** Throws what a fault answers before the call's effect; for the other kinds nothing. */
export function throwBefore(fault: FaultView | undefined): void {
  if (fault?.kind === "rate_limit") throw tooManyRequests(fault.retry_after ?? 1);
  if (fault?.kind === "error_before") throw serverError(fault.status, fault);
  if (fault?.kind === "maintenance") {
    throw new LinodeApiError(503, [{ reason: "The API is down for maintenance" }], {
      "x-maintenance-mode": "all",
      ...retryAfter(fault),
    });
  }
}

/** Throws what a fault answers after the call's effect; `lost_answer` and `slow` are the caller's to do. */
export function throwAfter(fault: FaultView | undefined): void {
  if (fault?.kind === "error_after") throw serverError(fault.status, fault);
}

function serverError(status: number, fault: FaultView): LinodeApiError {
  return new LinodeApiError(status, [{ reason: "Internal Server Error" }], retryAfter(fault));
}

function retryAfter(fault: FaultView): Record<string, string> {
  return fault.retry_after === null ? {} : { "retry-after": String(fault.retry_after) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
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
