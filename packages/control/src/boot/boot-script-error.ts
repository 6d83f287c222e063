export type BootScriptErrorCode =
  | "boot_instance_id_invalid"
  | "boot_callback_url_invalid"
  | "boot_token_invalid"
  | "boot_ssh_key_invalid"
  | "boot_script_invalid"
  | "boot_script_too_long";

/** A boot script that cannot be rendered. Its message holds the offending value and the way out, never the token. */
export class BootScriptError extends Error {
  override readonly name = "BootScriptError";
  readonly code: BootScriptErrorCode;

  constructor(code: BootScriptErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
