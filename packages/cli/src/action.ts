import type { Command } from "commander";
import type { Context } from "./context.ts";

/** What a command does; resolves with its exit code. */
export type Action = (context: Context, command: Command) => Promise<number>;

/** Makes an action what commander calls. */
export type Act = (action: Action) => (...args: unknown[]) => Promise<void>;

/** The command's argument of this number, from 0. */
export function argument(command: Command, index = 0): string {
  return command.args[index] ?? "";
}

/** For options that can be repeated. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** A `--limit`, as the API takes it. */
export const limitOption = ["--limit <n>", "how many, up to 500", "100"] as const;
