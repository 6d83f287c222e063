import { BOOT_BODY } from "./boot-body.ts";
import { BootScriptError } from "./boot-script-error.ts";

export interface BootScriptOptions {
  /** The instance's id in this deployment: key of the one-time guard. `[A-Za-z0-9_-]`, at most 64 characters. */
  instanceId: string;
  /** Where the instance reports its stages (C6): http or https, printable ASCII. */
  callbackUrl: string;
  /** Single-purpose token for that URL: base64 or base64url characters, dots and tildes; at most 512. */
  token: string;
  /** Public keys for root, in OpenSSH's one-line form. */
  sshKeys: readonly string[];
  /** The user's own script. With its own `#!` line it is run by that interpreter, else by /bin/sh. */
  script?: string | undefined;
  /** Of an image's builder (C2): run before and after the script, each a script of its own; either may be empty. */
  bake?: { recipe: string; cleanUp: string } | undefined;
  /** The provider's limit, in bytes before any encoding. */
  userDataBytesMax?: number | undefined;
  /** How long a stage on the way is tried before the next one implies it, in s; 20 when left out. */
  stageSeconds?: number | undefined;
  /** How long the outcome is tried in one boot, in s; 600 when left out. */
  outcomeSeconds?: number | undefined;
  /** How often the end of the log is told while a step runs, in s; 60 when left out. */
  logSeconds?: number | undefined;
  /** Put before every path that the script writes; empty outside of tests. */
  rootDir?: string | undefined;
}

const STAGE_SECONDS = 20;
const OUTCOME_SECONDS = 600;
const LOG_SECONDS = 60;
/** Where an instance keeps marks and log; a builder has them in memory, where programs may be run (in /run they may not). */
const ON_DISK = { state: "/var/lib/provost/first-boot", log: "/var/log/provost-first-boot.log" };
const IN_MEMORY = { state: "/dev/shm/provost-bake", log: "/dev/shm/provost-bake.log" };
/** Provider limits are smaller; this bounds what is rendered where a provider has none. */
const USER_DATA_BYTES_MAX = 65_536;

/**
 * Renders the user data of one instance: a POSIX shell script that reports `booting`, installs the SSH keys, reports
 * `configuring`, again with the end of the log while that lasts, runs the user's script and reports `ready`, or `failed` with the
 * step, the exit code and the end of the log (C6).
 * It works by itself on an image with cloud-init and through `provost-first-boot` on a golden image (C2), and once only on both.
 *
 * Throws `BootScriptError` for a value that cannot be sent or when the whole is longer than `userDataBytesMax`.
 */
export function renderBootScript(options: BootScriptOptions): string {
  const script = options.script ?? "";
  const { state, log } = options.bake === undefined ? ON_DISK : IN_MEMORY;
  checkIdentity(options);
  for (const key of options.sshKeys) checkSshKey(key);
  checkText("boot_script_invalid", "the script", script);
  const rendered = [
    "#!/bin/sh",
    `PROVOST_INSTANCE_ID=${quote(options.instanceId)}`,
    `PROVOST_CALLBACK_URL=${quote(options.callbackUrl)}`,
    `PROVOST_CALLBACK_TOKEN=${quote(options.token)}`,
    `PROVOST_ROOT=${quote(options.rootDir ?? "")}`,
    `PROVOST_STAGE_SECONDS=${options.stageSeconds ?? STAGE_SECONDS}`,
    `PROVOST_OUTCOME_SECONDS=${options.outcomeSeconds ?? OUTCOME_SECONDS}`,
    `PROVOST_LOG_SECONDS=${options.logSeconds ?? LOG_SECONDS}`,
    `PROVOST_STATE=${quote(state)}`,
    `PROVOST_LOG=${quote(log)}`,
    `PROVOST_SSH_KEYS=${quote(options.sshKeys.join("\n"))}`,
    `PROVOST_RECIPE=${quote(options.bake?.recipe ?? "")}`,
    `PROVOST_SCRIPT=${quote(script)}`,
    `PROVOST_CLEAN_UP=${quote(options.bake?.cleanUp ?? "")}`,
    BOOT_BODY,
  ].join("\n");
  checkLength(rendered, script, options.userDataBytesMax ?? USER_DATA_BYTES_MAX);
  return rendered;
}

/** Between single quotes a shell reads every byte as it is; the quote itself is written outside of them. */
function quote(value: string): string {
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

function checkIdentity({ instanceId, callbackUrl, token }: BootScriptOptions): void {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(instanceId)) {
    throw new BootScriptError(
      "boot_instance_id_invalid",
      `the instance id '${instanceId}' names a file on the instance: use 1 to 64 of A-Z a-z 0-9 _ -`,
    );
  }
  // Quotes and backslashes would end the string in curl's configuration; a URL writes them as %27, %22, %5C.
  if (!/^https?:\/\/[^\s"'\\]+$/.test(callbackUrl) || !/^[!-~]+$/.test(callbackUrl) || !URL.canParse(callbackUrl)) {
    throw new BootScriptError(
      "boot_callback_url_invalid",
      `the callback URL '${callbackUrl}' must be http or https, percent-encoded, without quotes or spaces`,
    );
  }
  if (!/^[A-Za-z0-9._~+/=-]{1,512}$/.test(token)) {
    throw new BootScriptError(
      "boot_token_invalid",
      `the callback token (${token.length} characters) must be 1 to 512 of A-Z a-z 0-9 . _ ~ + / = -`,
    );
  }
}

function checkSshKey(key: string): void {
  checkText("boot_ssh_key_invalid", "an SSH key", key);
  // One line that begins with a word and has a second one: options, key types and comments are OpenSSH's business.
  if (!/^[^\s#]\S*[ \t]\S/.test(key) || /[\r\n]/.test(key)) {
    throw new BootScriptError(
      "boot_ssh_key_invalid",
      `the SSH key '${key.slice(0, 60)}' is no public key in one line, such as 'ssh-ed25519 AAAA… name'`,
    );
  }
}

/** A shell cannot hold NUL, and a lone surrogate has no UTF-8. */
function checkText(code: "boot_script_invalid" | "boot_ssh_key_invalid", what: string, value: string): void {
  const at = value.indexOf("\0");
  if (at >= 0) throw new BootScriptError(code, `${what} has a NUL character at position ${at}: take it out`);
  if (!value.isWellFormed()) {
    throw new BootScriptError(code, `${what} is no well-formed Unicode (a lone surrogate): save it as UTF-8`);
  }
}

function checkLength(rendered: string, script: string, bytesMax: number): void {
  const bytes = Buffer.byteLength(rendered);
  if (bytes <= bytesMax) return;
  const scriptBytes = Buffer.byteLength(script);
  throw new BootScriptError(
    "boot_script_too_long",
    `the boot script is ${bytes} bytes long and the provider takes ${bytesMax}; the script in it has ${scriptBytes}: ` +
      "shorten it, or let it fetch its larger part with curl",
  );
}
