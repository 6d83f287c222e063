import { ProviderError, type ProviderErrorCode } from "../provider-error.ts";

/** A request as far as an error needs it. `mutates` decides whether a lost answer may have had an effect (C4). */
export interface RequestFacts {
  /** For people: `POST /1.0/instances`. Never holds a body. */
  label: string;
  mutates: boolean;
  socket: string;
}

/** Node's words for a connection that never came to be: nothing was sent. */
const NOT_CONNECTED = new Set(["ENOENT", "ECONNREFUSED", "ENOTSOCK", "EAGAIN", "UND_ERR_CONNECT_TIMEOUT"]);
const NOT_PERMITTED = new Set(["EACCES", "EPERM"]);

/**
 * What the daemon says, in words: its status codes alone are too coarse (a name that is taken is a failed operation with 400,
 * a missing profile is a 500). Read from LXD 5.0.2 and Incus 6.0.4; every other text falls back to the status code. First match wins.
 */
const BY_TEXT: readonly { pattern: RegExp; code: ProviderErrorCode; wayOut: string }[] = [
  {
    pattern: /already exists|UNIQUE constraint failed: instances\./i,
    code: "provider_name_taken",
    wayOut: "choose another name",
  },
  {
    pattern: /Target only allowed when clustered|(cluster member|target).*(not found|doesn't exist)/i,
    code: "provider_region_not_found",
    wayOut: "take a region that `regions` lists",
  },
  {
    pattern: /Image alias not found|Image not (found|provided)|not find.*image/i,
    code: "provider_image_not_found",
    wayOut: "take an image that `images` lists",
  },
  {
    pattern: /Reached maximum (number|aggregate)/i,
    code: "provider_quota_exceeded",
    wayOut: "raise the project's limits or destroy instances",
  },
  {
    pattern: /no space left on device|disk quota exceeded/i,
    code: "provider_out_of_stock",
    wayOut: "free space in the storage pool",
  },
  { pattern: /busy running a/i, code: "provider_busy", wayOut: "try again when that has ended" },
  { pattern: /Instance not found/i, code: "provider_instance_not_found", wayOut: "look whether it was destroyed" },
  {
    pattern: /Requested profile|Profile not found|Project not found/i,
    code: "provider_rejected",
    wayOut: "make it on the server or name another in the account's options",
  },
];

/** An answer of the daemon that says no, be it at once or as a failed operation. */
export function errorOfAnswer(
  facts: RequestFacts,
  answer: { status: number; text: string; requestId?: string | undefined },
): ProviderError {
  const known = BY_TEXT.find((entry) => entry.pattern.test(answer.text));
  const { code, wayOut } = known ?? codeOfStatus(answer.status);
  const certain = known !== undefined || answer.status < 500;
  return new ProviderError({
    code,
    effect: facts.mutates && !certain ? "unknown" : "none",
    message: `${facts.label}: the server answered ${answer.status} "${answer.text}"; ${wayOut}`,
    providerMessage: answer.text,
    providerRequestId: answer.requestId,
    httpStatus: answer.status,
  });
}

function codeOfStatus(status: number): { code: ProviderErrorCode; wayOut: string } {
  if (status === 401 || status === 403) {
    return { code: "provider_credentials_rejected", wayOut: "let this user use the socket or the project" };
  }
  if (status === 404) return { code: "provider_instance_not_found", wayOut: "look whether it was destroyed" };
  if (status === 409) return { code: "provider_busy", wayOut: "try again when the other change has ended" };
  if (status === 429) return { code: "provider_rate_limited", wayOut: "try again later" };
  if (status >= 500) return { code: "provider_outcome_unknown", wayOut: "look at the instance before you repeat it" };
  return { code: "provider_rejected", wayOut: "correct the request" };
}

/** A request without an answer: no connection, a reset, a timeout, an abort by the caller. */
export function errorOfTransport(facts: RequestFacts, cause: unknown, timeoutMs: number): ProviderError {
  const code = errnoOf(cause);
  if (NOT_PERMITTED.has(code)) {
    return new ProviderError({
      code: "provider_credentials_rejected",
      effect: "none",
      message: `${facts.label}: no permission on the socket ${facts.socket} (${code}); run as a member of the group that owns it`,
      cause,
    });
  }
  if (NOT_CONNECTED.has(code)) {
    return new ProviderError({
      code: "provider_unreachable",
      effect: "none",
      message: `${facts.label}: nobody answers on the socket ${facts.socket} (${code}); start the daemon or correct the path`,
      cause,
    });
  }
  const why = code === "TimeoutError" ? `no answer within ${timeoutMs} ms` : `no answer (${code})`;
  return new ProviderError({
    code: "provider_outcome_unknown",
    effect: facts.mutates ? "unknown" : "none",
    message: `${facts.label}: ${why} on ${facts.socket}; look at the instance before you repeat it`,
    cause,
  });
}

/** An answer that is no JSON of the shape the API promises. */
export function errorOfShape(facts: RequestFacts, status: number, detail: string): ProviderError {
  return new ProviderError({
    code: "provider_bad_answer",
    effect: facts.mutates ? "unknown" : "none",
    message: `${facts.label}: the answer cannot be read (HTTP ${status}: ${detail}); check that ${facts.socket} is Incus' or LXD's`,
    httpStatus: status,
  });
}

function errnoOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return typeof code === "string" ? code : cause.name;
}
