import type { RangeMs } from "../clock/random.ts";

/** What a call is to the sandbox: decides its latency and the rate limit it counts against. */
export type CallKind = "create" | "get" | "list" | "list_images" | "signal" | "update" | "delete";

/** How long calls take where nothing else is asked for. */
export const REALISTIC_LATENCY: Readonly<Record<CallKind, RangeMs>> = {
  create: [300, 700],
  get: [40, 120],
  list: [60, 200],
  list_images: [60, 200],
  signal: [80, 250],
  update: [80, 250],
  delete: [100, 300],
};

export interface RateLimit {
  /** Calls with the same bucket share the limit. */
  bucket: string;
  requests: number;
  windowMs: number;
}

const collections: RateLimit = { bucket: "collections", requests: 200, windowMs: 60_000 };
const everythingElse: RateLimit = { bucket: "other", requests: 1_600, windowMs: 60_000 };

/** Linode's documented limits, for each token. */
export const RATE_LIMITS: Readonly<Record<CallKind, RateLimit>> = {
  create: { bucket: "create", requests: 20, windowMs: 15_000 },
  list: collections,
  list_images: { bucket: "images", requests: 20, windowMs: 60_000 },
  get: everythingElse,
  signal: everythingElse,
  update: everythingElse,
  delete: everythingElse,
};
