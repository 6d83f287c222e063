import { failureKinds, type Failure, type FailureCode } from "@provost/contract";
import { ProviderError } from "../providers/provider-error.ts";
import type { BootFailure } from "../storage/rows.ts";

/** Bounds of what is kept of a provider's words. */
const wordsMax = 2_000;

/** A failure as it is kept and told (C7); `whatToDo` belongs to the code. */
export function failure(
  code: FailureCode,
  step: string,
  message: string,
  more?: Omit<Failure, "code" | "step" | "message" | "whatToDo">,
): Failure {
  return { code, step, message: message.slice(0, wordsMax), whatToDo: failureKinds[code], ...more };
}

/** A refusal in the words of the user's failure, with what the provider said. */
export function refusedBy(error: ProviderError, step: string, fallback: FailureCode): Failure {
  return failure(failureCode(error, fallback), step, error.message, {
    ...(error.providerMessage === undefined ? {} : { providerMessage: error.providerMessage.slice(0, wordsMax) }),
    ...(error.providerRequestId === undefined ? {} : { providerRequestId: error.providerRequestId.slice(0, 200) }),
  });
}

function failureCode(error: ProviderError, fallback: FailureCode): FailureCode {
  switch (error.code) {
    case "provider_credentials_rejected":
      return "credentials_rejected";
    case "provider_quota_exceeded":
      return "quota_exceeded";
    case "provider_out_of_stock":
      return "out_of_stock";
    case "provider_image_not_found":
      return "image_missing";
    case "provider_type_not_found":
      return "type_missing";
    case "provider_region_not_found":
      return "region_missing";
    case "provider_name_taken":
      return "name_taken_at_provider";
    default:
      return fallback;
  }
}

/** What the instance itself reported (C6). */
export function scriptFailed(report: BootFailure): Failure {
  const code = report.exitCode === undefined ? "" : ` with exit code ${report.exitCode}`;
  return failure("script_failed", report.step, `First boot failed in step ${report.step}${code}.`, {
    ...(report.exitCode === undefined ? {} : { exitCode: report.exitCode }),
    ...(report.log === undefined ? {} : { log: report.log }),
  });
}

/** May the same call simply be made again later? True of outages and waits, never of a refusal. */
export function passing(error: ProviderError): boolean {
  switch (error.code) {
    case "provider_busy":
    case "provider_rate_limited":
    case "provider_unreachable":
    case "provider_outcome_unknown":
    case "provider_bad_answer":
      return true;
    default:
      return false;
  }
}
