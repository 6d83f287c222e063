export type EnvironmentErrorCode =
  /** Nothing answers, and only root can install and start a daemon. */
  | "e2e_not_root"
  /** A command that the environment needs has failed or is missing. */
  | "e2e_command_failed"
  /** The daemon was started and does not answer. */
  | "e2e_daemon_silent"
  /** The daemon has refused the golden image. */
  | "e2e_image_refused";

/** The machine cannot run the proofs on a real daemon: says what lacks and the way out. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
  readonly code: EnvironmentErrorCode;

  constructor(code: EnvironmentErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}
