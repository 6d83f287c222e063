import type { FastifyInstance, FastifySchemaCompiler, FastifyTypeProvider, RawServerDefault } from "fastify";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ProvostError } from "@provost/contract";
import { z } from "zod";
import type { Logger } from "../log.ts";

/** Gives handlers the types of their zod schemas. */
export interface ZodTypes extends FastifyTypeProvider {
  validator: this["schema"] extends z.ZodType ? z.output<this["schema"]> : unknown;
  serializer: this["schema"] extends z.ZodType ? z.input<this["schema"]> : unknown;
}

export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, Logger, ZodTypes>;

const valueCharactersMax = 80;

/** Checks a part of a request against its zod schema; a refusal names the field, the value and what is wrong. */
export const validate: FastifySchemaCompiler<unknown> = ({ schema, httpPart }) => {
  if (!(schema instanceof z.ZodType))
    throw new ProvostError("internal", `A route's ${httpPart} is not described by zod.`);
  return (data: unknown) => {
    const result = schema.safeParse(data);
    return result.success ? { value: result.data } : { error: refusal(result.error, data, httpPart ?? "request") };
  };
};

function refusal(error: z.ZodError, data: unknown, part: string): ProvostError {
  const [issue] = error.issues;
  const path = issue?.path.map(String) ?? [];
  const field = path.join(".") || part;
  const shown = shownValue(data, path);
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : "";
  return new ProvostError("invalid_request", `${field}${shown}: ${issue?.message ?? "not valid"}${more}.`, { field });
}

/** Values are echoed so that one sees which was wrong; never one that may be a secret. */
function shownValue(data: unknown, path: string[]): string {
  if (path.length === 0 || path.some((key) => /token|password|script|options|secret/i.test(key))) return "";
  let value: unknown = data;
  for (const key of path) value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  if (value === undefined) return "";
  const text = JSON.stringify(value);
  return ` is ${text.length > valueCharactersMax ? `${text.slice(0, valueCharactersMax)}…` : text}`;
}
