import { exitCodes } from "@provost/contract";
import { CommanderError } from "commander";
import type { Surroundings } from "./context.ts";
import { reportError } from "./output/problem.ts";
import { buildProgram } from "./program.ts";

/** Runs one command line; resolves with the exit code (C14), whatever happens. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let code: number = exitCodes.done;
  const program = buildProgram(surroundings, (ended) => (code = ended));
  try {
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (surroundings.interrupted.aborted) return exitCodes.interrupted;
    return reportError(error, surroundings.terminal, args.includes("--json"));
  }
}
