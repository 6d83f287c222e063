import { JobsError } from "./errors.ts";

/**
 * The sum of a number in shared memory and another, as JSON text (L12); nothing there counts as 0.
 *
 * @throws JobsError `invalid_input` when what is there is no number, or the sum is past the range of numbers.
 */
export function numberPlus(key: string, json: string | undefined, by: number): string {
  const value: unknown = json === undefined ? 0 : JSON.parse(json);
  if (typeof value !== "number") throw notANumber(key);
  const sum = value + by;
  if (!Number.isFinite(sum)) {
    throw new JobsError("invalid_input", `key ${JSON.stringify(key)}: the sum is past the range of numbers: add less`);
  }
  return JSON.stringify(sum);
}

function notANumber(key: string): JobsError {
  return new JobsError(
    "invalid_input",
    `key ${JSON.stringify(key)} holds no number: remove it first, or increment another key`,
  );
}
