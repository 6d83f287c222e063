import { ProviderError, type ProviderErrorCode } from "../provider-error.ts";

/** What was asked, for the wording and for what a lost answer means. */
export interface Asked {
  /** `create an instance`, `list regions`: goes into the message. */
  what: string;
  /** Reads do nothing at the provider, so a lost answer leaves nothing unknown. */
  reads: boolean;
  /** What a 404 is about; an instance by default. */
  of?: "image";
}

export interface Refusal {
  httpStatus: number;
  reason: string;
  field: string | undefined;
  requestId: string | undefined;
  retryAfter: string | undefined;
}

/** Linode has answered 500 with a negative Retry-After: what it says is clamped, never trusted (C11). */
const retryAfterBoundsMs = { min: 1_000, max: 15 * 60_000 } as const;

/** Seconds or an HTTP date, as ms within bounds; undefined when absent or unreadable. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || header.trim() === "") return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - nowMs;
  if (Number.isNaN(ms)) return undefined;
  return Math.min(Math.max(ms, retryAfterBoundsMs.min), retryAfterBoundsMs.max);
}

/** An answer that is not 2xx, in Provost's words. */
export function refused(asked: Asked, refusal: Refusal): ProviderError {
  const code = refusalCode(refusal, asked.of);
  const lost = code === "provider_outcome_unknown" && !asked.reads;
  const request = refusal.requestId === undefined ? "" : ` (request ${refusal.requestId})`;
  return new ProviderError({
    code,
    effect: lost ? "unknown" : "none",
    message: `Linode would not ${asked.what}: ${refusal.httpStatus} ${refusal.reason}${request}. ${wayOut(code)}`,
    providerMessage: refusal.field === undefined ? refusal.reason : `${refusal.field}: ${refusal.reason}`,
    providerRequestId: refusal.requestId,
    httpStatus: refusal.httpStatus,
    retryAfterMs: retryAfterMs(refusal.retryAfter, Date.now()),
  });
}

function refusalCode({ httpStatus, reason, field }: Refusal, of: Asked["of"]): ProviderErrorCode {
  if (httpStatus === 401 || httpStatus === 403) {
    return limitReached(reason) ? "provider_quota_exceeded" : "provider_credentials_rejected";
  }
  if (httpStatus === 404) return of === "image" ? "provider_image_not_found" : "provider_instance_not_found";
  if (httpStatus === 429) return "provider_rate_limited";
  // 408: Linode asks to try again, but does not say that it did nothing.
  if (httpStatus === 408 || httpStatus >= 500) return "provider_outcome_unknown";
  if (/\bbusy\b/i.test(reason)) return "provider_busy";
  if (limitReached(reason)) return "provider_quota_exceeded";
  if (/out of stock|no capacity|insufficient capacity|currently unavailable|sold out/i.test(reason)) {
    return "provider_out_of_stock";
  }
  switch (field) {
    case "image":
      return "provider_image_not_found";
    case "type":
      return "provider_type_not_found";
    case "region":
      return "provider_region_not_found";
    case "label":
      return /unique/i.test(reason) ? "provider_name_taken" : "provider_rejected";
    default:
      return "provider_rejected";
  }
}

function limitReached(reason: string): boolean {
  return /\b(limit (reached|exceeded)|quota|exceed(s|ed)? .*limit|account limit)\b/i.test(reason);
}

/** Errors of the connection: only those before the first byte was sent prove that nothing happened. */
const notSent = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  // The client was closed before the request left its queue.
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
]);

/** No answer at all. */
export function unanswered(asked: Asked, endpoint: string, cause: unknown): ProviderError {
  const code = systemCode(cause);
  if (notSent.has(code)) {
    return new ProviderError({
      code: "provider_unreachable",
      effect: "none",
      message: `Cannot reach ${endpoint} to ${asked.what}: ${code}. Check the endpoint and the network.`,
      cause,
    });
  }
  return new ProviderError({
    code: "provider_outcome_unknown",
    effect: asked.reads ? "none" : "unknown",
    message: `No answer from ${endpoint} when asked to ${asked.what}: ${code}. ${wayOut("provider_outcome_unknown")}`,
    cause,
  });
}

/** An answer that cannot be read: a 2xx to a write has had its effect, whatever its body says. */
export function unreadable(asked: Asked, what: string, requestId: string | undefined, cause: unknown): ProviderError {
  return new ProviderError({
    code: "provider_bad_answer",
    effect: asked.reads ? "none" : "unknown",
    message: `Linode's answer when asked to ${asked.what} cannot be read: ${what}. Check that the endpoint is a Linode API.`,
    providerRequestId: requestId,
    cause,
  });
}

function systemCode(cause: unknown): string {
  let at: unknown = cause;
  for (let depth = 0; depth < 5 && typeof at === "object" && at !== null; depth += 1) {
    if ("errors" in at && Array.isArray(at.errors) && at.errors.length > 0) {
      // Every address of the host was tried: the first failure stands for all.
      at = at.errors[0];
      continue;
    }
    if ("name" in at && (at.name === "TimeoutError" || at.name === "AbortError")) return at.name;
    if ("code" in at && typeof at.code === "string") return at.code;
    at = "cause" in at ? at.cause : undefined;
  }
  return "connection failed";
}

function wayOut(code: ProviderErrorCode): string {
  switch (code) {
    case "provider_credentials_rejected":
      return "Give the account a token with read and write access to Linodes and Images, and read access to Events.";
    case "provider_quota_exceeded":
      return "Ask Linode for a higher limit or destroy what is not needed.";
    case "provider_rate_limited":
    case "provider_busy":
      return "It is tried again later.";
    case "provider_outcome_unknown":
      return "Whether it was done is found out by looking.";
    case "provider_out_of_stock":
      return "Choose another region or type.";
    default:
      return "Change what was asked for.";
  }
}
