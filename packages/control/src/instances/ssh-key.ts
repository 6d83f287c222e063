import { ProvostError } from "@provost/contract";

const kinds = new Set([
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
]);
const keyCharactersMax = 16_384;

/** A public key in OpenSSH's one-line form, trimmed. Throws `invalid_ssh_key`; a private key is never repeated. */
export function checkedSshKey(text: string, position: number): string {
  const line = text.trim();
  if (/PRIVATE KEY/.test(line)) throw wrong(position, "is a private key", "give the .pub file");
  if (line.length > keyCharactersMax || /[\r\n\0]/.test(line)) throw wrong(position, "is not one line", "give one key");
  const [kind = "", body = ""] = line.split(/\s+/);
  if (!kinds.has(kind)) {
    throw wrong(position, `begins with ${JSON.stringify(kind.slice(0, 40))}`, `give one of ${[...kinds].join(", ")}`);
  }
  // The key names its own kind again in its first field: a cut or mixed-up key is met here, not on the instance.
  const bytes = Buffer.from(body, "base64");
  const length = bytes.length < 4 ? -1 : bytes.readUInt32BE(0);
  if (length !== kind.length || bytes.toString("latin1", 4, 4 + length) !== kind || bytes.length <= 4 + length) {
    throw wrong(position, "is damaged: its body does not match its kind", "copy the whole line of the .pub file");
  }
  return line;
}

function wrong(position: number, why: string, way: string): ProvostError {
  return new ProvostError("invalid_ssh_key", `SSH key ${position + 1} ${why}: ${way}.`, { field: "sshKeys" });
}
