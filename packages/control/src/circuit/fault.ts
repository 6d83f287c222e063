import { ProviderError } from "../providers/provider-error.ts";

/**
 * Is this failure the provider's own (C12): no connection, no answer in time, 5xx, or an answer that nobody can read? Refusals (4xx)
 * and full rate budgets are answers: whoever gives them is up.
 */
export function isProvidersFault(error: unknown): error is ProviderError {
  if (!(error instanceof ProviderError)) return false;
  switch (error.code) {
    case "provider_unreachable":
    case "provider_bad_answer":
      return true;
    case "provider_outcome_unknown":
      return error.httpStatus === undefined || error.httpStatus >= 500;
    default:
      return false;
  }
}
