import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { JobDefinition } from "./request.ts";
import { JobsError } from "./errors.ts";

/**
 * The input as the job's schema gives it: at once where the schema answers at once, else a promise of it. `null` as the whole
 * input is the same as none, because JSON cannot tell them apart.
 *
 * @throws JobsError `invalid_input` naming where it is wrong, without showing the input: it may hold secrets.
 */
export function validatedInput(definition: JobDefinition, input: unknown): unknown {
  const given = input ?? undefined;
  if (definition.schema === undefined) {
    if (given === undefined) return undefined;
    throw new JobsError(
      "invalid_input",
      `job ${JSON.stringify(definition.name)} takes no input: give it a schema (input: …), or leave the input out`,
    );
  }
  const validated = definition.schema["~standard"].validate(given);
  if ("then" in validated) return Promise.resolve(validated).then((value) => accepted(definition, value));
  return accepted(definition, validated);
}

function accepted(definition: JobDefinition, validated: StandardSchemaV1.Result<unknown>): unknown {
  if (validated.issues === undefined) return validated.value;
  const shown = validated.issues.slice(0, 5).map(({ path, message }) => `${pathText(path)}: ${message}`);
  const more = validated.issues.length > 5 ? `; and ${validated.issues.length - 5} more` : "";
  throw new JobsError(
    "invalid_input",
    `input of job ${JSON.stringify(definition.name)} does not fit its schema: ${shown.join("; ")}${more}`,
  );
}

function pathText(path: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined): string {
  if (path === undefined || path.length === 0) return "(whole input)";
  return path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
}
