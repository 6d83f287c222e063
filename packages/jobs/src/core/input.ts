import type { JobDefinition } from "./request.ts";
import { JobsError } from "./errors.ts";

/**
 * The input as the job's schema gives it. `null` as the whole input is the same as none, because JSON cannot tell them apart.
 *
 * @throws JobsError `invalid_input` naming where it is wrong, without showing the input: it may hold secrets.
 */
export async function validatedInput(definition: JobDefinition, input: unknown): Promise<unknown> {
  const given = input ?? undefined;
  const job = JSON.stringify(definition.name);
  if (definition.schema === undefined) {
    if (given === undefined) return undefined;
    throw new JobsError(
      "invalid_input",
      `job ${job} takes no input: give it a schema (input: …), or leave the input out`,
    );
  }
  const validated = await definition.schema["~standard"].validate(given);
  if (validated.issues === undefined) return validated.value;
  const shown = validated.issues.slice(0, 5).map(({ path, message }) => `${pathText(path)}: ${message}`);
  const more = validated.issues.length > 5 ? `; and ${validated.issues.length - 5} more` : "";
  throw new JobsError("invalid_input", `input of job ${job} does not fit its schema: ${shown.join("; ")}${more}`);
}

function pathText(path: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined): string {
  if (path === undefined || path.length === 0) return "(whole input)";
  return path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}
