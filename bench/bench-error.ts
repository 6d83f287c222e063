/** `unknown_name`: of a scenario, an engine or a flag. `store_missing`: a server to apt-get. `not_ended`: an engine did not do what it was asked. */
export type BenchErrorCode =
  | "unknown_name"
  | "store_missing"
  | "not_ended"
  | "agent_failed"
  | "build_failed"
  | "format_failed";

/** What keeps a benchmark from being run to its end. Its codes are explained in docs/benchmarks.md. */
export class BenchError extends Error {
  override readonly name = "BenchError";
  readonly code: BenchErrorCode;

  constructor(code: BenchErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
