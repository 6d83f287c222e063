import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { EnvironmentError } from "./environment-error.ts";

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Runs a program to its end, at most `timeoutMs`; gives its standard output. Throws `EnvironmentError` with its last lines. */
export async function run(program: string, args: readonly string[], timeoutMs: number): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      timeout: timeoutMs,
      maxBuffer: OUTPUT_BYTES_MAX,
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    });
    return stdout;
  } catch (error) {
    const stderr = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
    const lastLines = stderr.trim().split("\n").slice(-8).join("\n");
    throw new EnvironmentError(
      "e2e_command_failed",
      `'${program} ${args.join(" ")}' failed: ${lastLines}; run it by hand to see all it says`,
      error,
    );
  }
}
