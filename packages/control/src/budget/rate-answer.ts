/** What one answer of a provider says of the rate budget that the call counted against; what it does not say is left out. */
export interface RateAnswer {
  /** Calls in one window. */
  limit?: number | undefined;
  /** Calls left in it. */
  remaining?: number | undefined;
  /** When the provider's window ends, in ms from now. */
  resetInMs?: number | undefined;
  /** How long to make no call at all, in ms: of a 429. */
  retryAfterMs?: number | undefined;
  /** The window's length as the provider documents it, in ms; else it is told by the ends of windows. */
  windowMs?: number | undefined;
}

/**
 * What a call is, in the words that drivers use for their buckets (FACTS: creates, lists and images have limits of their own
 * at some). What a driver has no bucket for counts as `other`.
 */
export type RateGroup = "create" | "collections" | "images" | "other";
