import type { Dispatcher } from "undici";
import type { RateBucket, RateReading } from "../rate-budget.ts";
import { retryAfterMs } from "./classify.ts";

/** Linode's limits for a token, as its reference gives them under "Rate limits" (read in its version of September 2026). */
export const rateBuckets = [
  { name: "create", limit: 20, windowMs: 15_000 },
  { name: "images", limit: 20, windowMs: 60_000 },
  { name: "collections", limit: 200, windowMs: 60_000 },
  { name: "other", limit: 1_600, windowMs: 60_000 },
] as const satisfies readonly RateBucket[];

type RateBucketName = (typeof rateBuckets)[number]["name"];

/** Windows are a minute at most; a reset far away is a wrong clock. */
const resetMsMax = 15 * 60_000;

/** The limit that a request counts against: creates and the list of images have their own, other lists share one. */
export function bucketOf(method: string, path: string, paged: boolean): RateBucketName {
  if (method === "POST" && path === "/linode/instances") return "create";
  if (method === "GET" && path === "/images") return "images";
  return paged ? "collections" : "other";
}

/** Reads `X-RateLimit-*` (the reset in epoch seconds, by Linode's clock, which `Date` tells) and `Retry-After`. */
export function readingOf(
  answer: Pick<Dispatcher.ResponseData, "statusCode" | "headers">,
  bucket: RateBucketName,
  nowMs: number,
): RateReading {
  const limit = count(answer.headers["x-ratelimit-limit"]);
  const remaining = count(answer.headers["x-ratelimit-remaining"]);
  const resetAt = count(answer.headers["x-ratelimit-reset"]);
  const providerNow = Date.parse(String(answer.headers["date"] ?? ""));
  const wait = retryAfterMs(first(answer.headers["retry-after"]), nowMs);
  return {
    bucket,
    refused: answer.statusCode === 429,
    ...(limit === undefined ? {} : { limit }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(resetAt === undefined
      ? {}
      : { resetInMs: within(resetAt * 1_000 - (Number.isNaN(providerNow) ? nowMs : providerNow)) }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
  };
}

function within(ms: number): number {
  return Math.min(Math.max(ms, 0), resetMsMax);
}

function count(header: string | string[] | undefined): number | undefined {
  const text = first(header)?.trim();
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
