import type { FastifyReply, FastifyRequest } from "fastify";
import type { StateSink } from "../state/state-sink.ts";
import type { Counters } from "../stats.ts";
import type { CallKind } from "./call-kind.ts";
import type { FaultView } from "./fault-spec.ts";
import { type Faults, throwAfter, throwBefore } from "./faults.ts";
import type { Latency } from "./latency.ts";
import type { RateLimiter } from "./rate-limiter.ts";

export interface CallRunnerParts {
  latency: Latency;
  faults: Faults;
  counters: Counters;
  state: StateSink;
  /** Undefined: no limits. */
  rateLimiter: RateLimiter | undefined;
}

/** What every route of the pretend API has: named parts of its path, and a query. */
export interface CallRoute {
  Params: Record<string, string>;
  Querystring: Record<string, unknown>;
}

export type CallRequest = FastifyRequest<CallRoute>;

/** Takes the bearer token from a request the token check has passed. */
export function tokenOf(request: Pick<FastifyRequest, "headers">): string {
  return (request.headers.authorization ?? "").replace(/^Bearer\s+/i, "");
}

/**
 * One call of the pretend API, in the order of a real one: rate limit, a fault before, time passes, the effect, its
 * record on disk, a fault after, time passes, the answer. Once the effect has happened a caller that hung up changes
 * nothing about it.
 */
export class CallRunner {
  readonly #parts: CallRunnerParts;

  constructor(parts: CallRunnerParts) {
    this.#parts = parts;
  }

  /** `effect` does the work at once and returns the body of the answer; it is told of the fault that hits the call. */
  handler(kind: CallKind, effect: (request: CallRequest, fault: FaultView | undefined) => unknown) {
    return async (request: CallRequest, reply: FastifyReply<CallRoute>): Promise<unknown> => {
      const { latency, faults, counters, state, rateLimiter } = this.#parts;
      this.#limit(kind, request, reply, rateLimiter);
      const [path = ""] = request.url.split("?", 1);
      const fault = faults.takeCall(request.method, path);
      if (fault !== undefined) counters.faultsApplied++;
      throwBefore(fault);
      const { beforeMs, afterMs } = latency.draw(kind);
      await latency.wait(beforeMs);
      const body = effect(request, fault);
      await state.saved();
      if (fault?.kind === "lost_answer") {
        reply.hijack();
        request.raw.socket.destroy();
        return reply;
      }
      if (fault?.kind === "flapping") faults.flap(body);
      await latency.wait(afterMs + (fault?.kind === "slow" ? fault.delay_ms : 0));
      throwAfter(fault);
      return body;
    };
  }

  #limit(
    kind: CallKind,
    request: CallRequest,
    reply: FastifyReply<CallRoute>,
    rateLimiter: RateLimiter | undefined,
  ): void {
    if (rateLimiter === undefined) return;
    try {
      void reply.headers(rateLimiter.take(tokenOf(request), kind));
    } catch (error) {
      this.#parts.counters.requestsRateLimited++;
      throw error;
    }
  }
}
