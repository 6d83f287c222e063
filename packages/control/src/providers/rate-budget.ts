/** One of a provider's request limits, as it documents them: where a budget starts before the first answer is in (C11). */
export interface RateBucket {
  /** `create`, `collections`, …: the word of `RateReading.bucket`. */
  name: string;
  /** Requests in one window. */
  limit: number;
  windowMs: number;
}

/**
 * What one answer said of the account's rate budget (C11). Handed to `Call.onRate` for every answer that came, refusals
 * included, before the call itself ends; never for a request that got no answer. A field is absent where the answer had no
 * such header, or none that can be read.
 */
export interface RateReading {
  /** One of `capabilities.rateBuckets`. */
  bucket: string;
  /** The answer was a 429: nothing was done. */
  refused: boolean;
  /** Requests allowed in the window. */
  limit?: number;
  /** Requests left in it. */
  remaining?: number;
  /** Until the window starts anew, in ms from the answer: reckoned on the provider's own clock, at most 15 min. */
  resetInMs?: number;
  /** How long the provider asks to wait, in ms: 1 s – 15 min. */
  retryAfterMs?: number;
}
