import { errorKinds, exitCodes, ProvostError } from "@provost/contract";
import type { Terminal } from "./terminal.ts";
import { paint } from "./terminal.ts";
import { harmless } from "./words.ts";

/** One line on stderr: what was wrong, the value, the way out, the code. Returns the exit code (C14). */
export function reportError(error: unknown, terminal: Terminal, json: boolean): number {
  const told =
    error instanceof ProvostError
      ? error
      : new ProvostError(
          "internal",
          `Something broke inside this command: ${error instanceof Error ? error.message : String(error)}.`,
        );
  if (json) {
    terminal.err(
      `${JSON.stringify({ error: { code: told.code, detail: told.message, ...(told.field === undefined ? {} : { field: told.field }) } })}\n`,
    );
  } else {
    const colours = paint(terminal.colour);
    const line = harmless(told.message).replaceAll("\n", " ");
    terminal.err(`${colours.red("error:")} ${line} ${colours.dim(`[${told.code}]`)}\n`);
  }
  return errorKinds[told.code].exit;
}

/** Ctrl-C: what was asked of the server goes on; only the wait has ended. */
export const interruptedExit = exitCodes.interrupted;
