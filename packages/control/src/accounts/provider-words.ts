import { ProvostError, type ErrorCode } from "@provost/contract";
import { ProviderError } from "../providers/provider-error.ts";

/** A provider's failure as the answer to a person's request; what is no `ProviderError` is passed on as it is. */
export function asProvostError(error: unknown, account: string): unknown {
  if (!(error instanceof ProviderError)) return error;
  return new ProvostError(codeFor(error), `${account}: ${error.message}`, { cause: error });
}

function codeFor(error: ProviderError): ErrorCode {
  switch (error.code) {
    case "provider_credentials_rejected":
      return "provider_credentials_rejected";
    case "provider_unreachable":
    case "provider_outcome_unknown":
    case "provider_rate_limited":
    case "provider_busy":
      return "provider_unavailable";
    default:
      return "provider_refused";
  }
}
