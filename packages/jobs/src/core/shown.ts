import { inspect } from "node:util";

/** An offending value as an error shows it: one line, short, whatever it is. Not for inputs: those may hold secrets. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  return inspect(value, { depth: 0, breakLength: Infinity, compact: true, customInspect: false }).slice(0, 80);
}
