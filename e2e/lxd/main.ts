import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Whether the module of this URL is the program that node was started with. */
export function isMain(moduleUrl: string): boolean {
  const program = process.argv[1];
  return program !== undefined && realpathSync(program) === fileURLToPath(moduleUrl);
}

/** One line on standard error with the code, and a non-zero end. */
export function reportFailure(error: unknown): void {
  const code = error instanceof Error && "code" in error ? `${String(error.code)}: ` : "";
  console.error(`${code}${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
