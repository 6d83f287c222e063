/** Why the sandbox itself could not start or take an order; `code` is stable. */
export type SandboxErrorCode =
  /** An option, flag or fault has a value the sandbox does not take. */
  | "sandbox_option_invalid"
  /** The state file cannot be opened, is held by another sandbox, or was made by a newer one. */
  | "sandbox_state_unusable"
  /** The host and port asked for cannot be listened on. */
  | "sandbox_address_unusable";

/** The sandbox's own failures. What a client of the pretend API did wrong is a `LinodeApiError`. */
export class SandboxError extends Error {
  override readonly name = "SandboxError";
  readonly code: SandboxErrorCode;

  constructor(code: SandboxErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** One entry of Linode's `errors` array. */
export interface LinodeErrorEntry {
  reason: string;
  field?: string;
}

/** An answer other than 2xx, as Linode words it: `{"errors":[{"reason","field"?}]}` with `httpStatus`. */
export class LinodeApiError extends Error {
  override readonly name = "LinodeApiError";
  readonly code = "linode_api_error";
  readonly httpStatus: number;
  readonly errors: readonly LinodeErrorEntry[];
  /** Extra response headers, e.g. `retry-after`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(httpStatus: number, errors: readonly LinodeErrorEntry[], headers: Record<string, string> = {}) {
    super(errors.map((entry) => entry.reason).join("; "));
    this.httpStatus = httpStatus;
    this.errors = errors;
    this.headers = headers;
  }
}

/** 404 in Linode's words. */
export function notFound(): LinodeApiError {
  return new LinodeApiError(404, [{ reason: "Not found" }]);
}

/** 400 for one field. */
export function badField(field: string, reason: string): LinodeApiError {
  return new LinodeApiError(400, [{ reason, field }]);
}
