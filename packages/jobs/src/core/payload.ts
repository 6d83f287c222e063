import { JobsError, type JobsErrorCode } from "./errors.ts";
import { limits } from "./limits.ts";

/**
 * JSON text of what a handler reports of how far it is.
 *
 * @throws JobsError `handler_failed`, `payload_too_large` above `limits.progressBytesMax`.
 */
export function progressJson(value: unknown, job: string): string {
  const json = payloadJson(value, `progress of job ${JSON.stringify(job)}`, "handler_failed");
  const bytes = Buffer.byteLength(json, "utf8");
  if (bytes <= limits.progressBytesMax) return json;
  throw new JobsError(
    "payload_too_large",
    `progress of job ${JSON.stringify(job)} has ${bytes} bytes of JSON; at most ${limits.progressBytesMax} (limits.progressBytesMax): ` +
      "report a number or a line, not the work itself",
  );
}

/**
 * JSON text of an input or a result, bounded by `limits.payloadBytesMax` (L14). `undefined` is kept as `null`.
 *
 * @param what names the payload in the error, which never shows it.
 * @throws JobsError `code` when it is no JSON, `payload_too_large` above the limit.
 */
export function payloadJson(value: unknown, what: string, code: JobsErrorCode): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value ?? null);
  } catch (cause) {
    throw new JobsError(code, `${what} is no JSON (a BigInt, or an object that holds itself): make it plain data`, {
      cause,
    });
  }
  if (json === undefined) {
    throw new JobsError(code, `${what} is a ${typeof value}, no JSON: make it plain data`);
  }
  // UTF-8 takes 1 to 3 bytes for each UTF-16 unit: short texts need no count.
  if (json.length * 3 > limits.payloadBytesMax) {
    const bytes = Buffer.byteLength(json, "utf8");
    if (bytes > limits.payloadBytesMax) {
      throw new JobsError(
        "payload_too_large",
        `${what} has ${bytes} bytes of JSON; at most ${limits.payloadBytesMax} (limits.payloadBytesMax): ` +
          "keep the data elsewhere and hand over a reference to it",
      );
    }
  }
  return json;
}
