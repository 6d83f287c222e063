/**
 * What went wrong in one call to a provider. The code says what it means for people, `effect` what it means for the
 * next step (C4): only `none` may be repeated blindly.
 */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly code: ProviderErrorCode;
  /** `none`: the provider certainly did nothing. `unknown`: it may have acted; look before you repeat. */
  readonly effect: "none" | "unknown";
  /** What the provider itself said, as it said it; never holds a credential. */
  readonly providerMessage: string | undefined;
  readonly providerRequestId: string | undefined;
  readonly httpStatus: number | undefined;
  /** How long to wait before the next call, in ms; clamped to 1 s – 15 min by the driver. */
  readonly retryAfterMs: number | undefined;

  constructor(fields: ProviderErrorFields) {
    super(fields.message, { cause: fields.cause });
    this.code = fields.code;
    this.effect = fields.effect;
    this.providerMessage = fields.providerMessage;
    this.providerRequestId = fields.providerRequestId;
    this.httpStatus = fields.httpStatus;
    this.retryAfterMs = fields.retryAfterMs;
  }
}

export interface ProviderErrorFields {
  code: ProviderErrorCode;
  effect: "none" | "unknown";
  /** One line: what, with the value, and the way out. */
  message: string;
  providerMessage?: string | undefined;
  providerRequestId?: string | undefined;
  httpStatus?: number | undefined;
  retryAfterMs?: number | undefined;
  cause?: unknown;
}

export type ProviderErrorCode =
  /** 401, 403, or no permission on the socket. */
  | "provider_credentials_rejected"
  /** An account's limit on instances, or the like. */
  | "provider_quota_exceeded"
  /** No capacity for this type in this region. */
  | "provider_out_of_stock"
  | "provider_image_not_found"
  | "provider_type_not_found"
  | "provider_region_not_found"
  /** The name is taken at the provider. */
  | "provider_name_taken"
  | "provider_instance_not_found"
  /** Another task holds the instance ("Linode busy."): try again. */
  | "provider_busy"
  | "provider_rate_limited"
  /** Refused for another reason (4xx): `providerMessage` says which. */
  | "provider_rejected"
  /** Nothing was sent: refused connection, no such socket, name not resolved. */
  | "provider_unreachable"
  /** Timeout, reset, 5xx: for a create the outcome is unknown. */
  | "provider_outcome_unknown"
  /** An answer that the driver cannot read. */
  | "provider_bad_answer";
