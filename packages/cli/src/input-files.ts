import { readFileSync, statSync } from "node:fs";
import { ProvostError } from "@provost/contract";

const keyFileBytesMax = 64 * 1024;
const scriptBytesMax = 512 * 1024;

/**
 * The public keys in files as ssh-keygen and authorized_keys have them: one a line, blank lines and `#` left out.
 *
 * @throws ProvostError `invalid_request`, `invalid_ssh_key`.
 */
export function readSshKeys(files: readonly string[]): string[] {
  return files.flatMap((file) => {
    const text = readBounded(file, "--ssh-key", keyFileBytesMax);
    if (text.includes("PRIVATE KEY-----")) {
      throw new ProvostError(
        "invalid_ssh_key",
        `${file} holds a private key, which nobody should have but you. Give its public half, ${file}.pub.`,
        {
          field: "--ssh-key",
        },
      );
    }
    const keys = text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    if (keys.length > 0) return keys;
    throw new ProvostError("invalid_ssh_key", `${file} holds no key. Give a file with one public key a line.`, {
      field: "--ssh-key",
    });
  });
}

/** @throws ProvostError `invalid_request`. */
export function readScript(file: string): string {
  return readBounded(file, "--script", scriptBytesMax);
}

/** A secret in a file of its own, or `-` for standard input; never on the command line, where `ps` shows it. */
export function readCredential(file: string): string {
  const secret = readBounded(file === "-" ? "/dev/stdin" : file, "--credential-file", keyFileBytesMax).trim();
  if (secret !== "") return secret;
  throw new ProvostError("invalid_request", `${file} is empty. Put the provider's token in it.`, {
    field: "--credential-file",
  });
}

function readBounded(file: string, option: string, bytesMax: number): string {
  try {
    const { size } = statSync(file);
    if (size <= bytesMax) return readFileSync(file, "utf8");
    throw new ProvostError("invalid_request", `${file} has ${size} bytes: ${option} takes at most ${bytesMax}.`, {
      field: option,
    });
  } catch (error) {
    if (error instanceof ProvostError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    const reason = { ENOENT: "there is no such file", EACCES: "no permission", EISDIR: "it is a folder" }[code] ?? code;
    throw new ProvostError(
      "invalid_request",
      `${option} ${file} cannot be read: ${reason}. Give the path of a readable file.`,
      {
        field: option,
        cause: error,
      },
    );
  }
}
