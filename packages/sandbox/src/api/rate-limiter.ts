import type { Clock } from "../clock/clock.ts";
import { LinodeApiError } from "../errors.ts";
import { type CallKind, RATE_LIMITS } from "./call-kind.ts";

interface Window {
  resetMs: number;
  used: number;
}

/**
 * Linode's rate limits: fixed windows for each token and bucket. There are as many windows as configured tokens times
 * buckets, for unknown tokens never get here.
 */
export class RateLimiter {
  readonly #clock: Clock;
  /** Multiplies every limit, so that a proof of an hour takes a minute. */
  readonly #scale: number;
  readonly #windows = new Map<string, Window>();

  constructor(clock: Clock, scale: number) {
    this.#clock = clock;
    this.#scale = scale;
  }

  /** Counts one call. Returns the `X-RateLimit-*` headers for its answer; throws the 429 that carries them too. */
  take(token: string, kind: CallKind): Record<string, string> {
    const limit = RATE_LIMITS[kind];
    const requests = Math.max(1, Math.floor(limit.requests * this.#scale));
    const key = `${limit.bucket} ${token}`;
    const now = this.#clock.now();
    let window = this.#windows.get(key);
    if (window === undefined || window.resetMs <= now) {
      window = { resetMs: now + limit.windowMs, used: 0 };
      this.#windows.set(key, window);
    }
    const refused = window.used >= requests;
    if (!refused) window.used++;
    const headers = {
      "x-ratelimit-limit": String(requests),
      "x-ratelimit-remaining": String(requests - window.used),
      "x-ratelimit-reset": String(Math.ceil(window.resetMs / 1_000)),
    };
    if (!refused) return headers;
    throw tooManyRequests(Math.ceil((window.resetMs - now) / 1_000), headers);
  }
}

/** Linode's 429. */
export function tooManyRequests(retryAfterSeconds: number, headers: Record<string, string> = {}): LinodeApiError {
  return new LinodeApiError(429, [{ reason: "Too many requests" }], {
    ...headers,
    "retry-after": String(retryAfterSeconds),
  });
}
