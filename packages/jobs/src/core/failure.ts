import type { JobsErrorCode } from "./errors.ts";
import type { JobFailure } from "./job.ts";
import { limits } from "./limits.ts";

const codePattern = /^[A-Za-z][A-Za-z0-9_.:-]{0,63}$/;

/**
 * A thrown value as it is kept with the job (L10): its own code where it has a usable one, else `fallback`. Message, stack and
 * details are cut to `limits.failureBytesMax`. Nothing but what the error itself holds is kept: never the job's input.
 */
export function failureOf(thrown: unknown, fallback: JobsErrorCode = "handler_failed"): JobFailure {
  const failure: JobFailure = { code: codeOf(thrown) ?? fallback, message: keptText(messageOf(thrown)) };
  const stack = property(thrown, "stack");
  if (typeof stack === "string") failure.stack = keptText(stack);
  const details = keptDetails(property(thrown, "details"));
  if (details !== undefined) failure.details = details;
  return failure;
}

/** With what the attempt printed last, where the failure's details have room for it. */
export function withOutput(failure: JobFailure, output: unknown): JobFailure {
  const { details = {} } = failure;
  if (output === undefined || typeof details !== "object" || details === null || Array.isArray(details)) return failure;
  return { ...failure, details: { output, ...details } };
}

/** What `withOutput` has put there. */
export function outputOf({ details }: JobFailure): unknown {
  return property(details, "output");
}

/** A failure of our own, without a stack. */
export function jobFailure(code: JobsErrorCode, message: string, details?: unknown): JobFailure {
  return details === undefined ? { code, message: keptText(message) } : { code, message: keptText(message), details };
}

/**
 * Text that every store takes, at most `limits.failureBytesMax` bytes: NUL (refused by PostgreSQL) and lone surrogates
 * (no UTF-8) are replaced.
 */
export function keptText(text: string): string {
  // A character has at least one byte: what is cut here could not be kept, and huge messages are not encoded in full.
  const clean = text.slice(0, limits.failureBytesMax).toWellFormed().replaceAll("\0", "\uFFFD");
  const bytes = Buffer.from(clean, "utf8");
  if (bytes.length <= limits.failureBytesMax) return clean;
  // `stream` leaves out a character that the cut has halved.
  return new TextDecoder().decode(bytes.subarray(0, limits.failureBytesMax), { stream: true });
}

function codeOf(thrown: unknown): string | undefined {
  const code = property(thrown, "code");
  return typeof code === "string" && codePattern.test(code) ? code : undefined;
}

function messageOf(thrown: unknown): string {
  const message = property(thrown, "message");
  if (typeof message === "string") return message === "" ? "an error without a message" : message;
  if (typeof thrown === "string") return thrown;
  return `a thrown ${thrown === null ? "null" : typeof thrown}, not an Error: throw an Error to have its message kept`;
}

/** A getter or proxy of a thrown value can throw in its turn. */
function property(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return Reflect.get(value, key);
  } catch {
    return undefined;
  }
}

function keptDetails(details: unknown): unknown {
  if (details === undefined) return undefined;
  try {
    const json = JSON.stringify(details);
    if (json === undefined) return undefined;
    const bytes = Buffer.byteLength(json, "utf8");
    return bytes <= limits.failureBytesMax ? (JSON.parse(json) as unknown) : { droppedBytes: bytes };
  } catch {
    return undefined;
  }
}
