import { ProvostError, type ErrorCode } from "@provost/contract";
import { JobsError } from "@provost/jobs";

/** What the job manager says of a request, in the codes of the API. What is not the caller's doing goes on as it is. */
const codes: Partial<Record<JobsError["code"], ErrorCode>> = {
  invalid_options: "invalid_request",
  unknown_schedule: "schedule_not_found",
  unique_key_taken: "job_refused",
};

/** @throws ProvostError in place of the job manager's own errors that a caller can mend. */
export async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = error instanceof JobsError ? codes[error.code] : undefined;
    if (code === undefined || !(error instanceof Error)) throw error;
    throw new ProvostError(code, sentence(error.message), { cause: error });
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
