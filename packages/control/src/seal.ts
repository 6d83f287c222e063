import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import { ProvostError } from "@provost/contract";

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Seals secrets at rest (C15): AES-256-GCM, a fresh nonce each time, what it seals as additional data, so that a sealed
 * text moved to another row does not open. Format: `s1.<key id>.<base64url of nonce, tag, ciphertext>`.
 */
export class Seal {
  readonly #key: Buffer;
  readonly #callbackKey: Buffer;
  /** Says which key sealed a text, without telling the key. */
  readonly keyId: string;

  /** Throws `config_invalid` unless the key has 32 bytes. */
  constructor(secretKey: Uint8Array) {
    if (secretKey.length !== 32) {
      throw new ProvostError("config_invalid", `The secret key has ${secretKey.length} bytes: it needs 32.`);
    }
    this.#key = derived(secretKey, "seal");
    this.#callbackKey = derived(secretKey, "callback-token");
    this.keyId = createHash("sha256").update("provost key id").update(this.#key).digest("hex").slice(0, 8);
  }

  /** `what` names the place, e.g. `instance:in_1:script`. */
  seal(plain: string, what: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(what));
    const body = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
    return `s1.${this.keyId}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url")}`;
  }

  /** Throws `secret_unreadable` when another key sealed it, or it was changed or moved. */
  open(sealed: string, what: string): string {
    const [version, keyId, body] = sealed.split(".");
    if (version !== "s1" || body === undefined || keyId !== this.keyId) {
      throw new ProvostError(
        "secret_unreadable",
        `${what} was sealed with key ${keyId ?? "?"}, this server has ${this.keyId}. Start it with the key of that time.`,
      );
    }
    const bytes = Buffer.from(body, "base64url");
    try {
      const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, nonceBytes))
        .setAAD(Buffer.from(what))
        .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      return decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, "utf8") + decipher.final("utf8");
    } catch (cause) {
      throw new ProvostError(
        "secret_unreadable",
        `${what} does not open: its row was changed or moved. Set it again.`,
        { cause },
      );
    }
  }

  /**
   * The token with which an instance reports (C6): derived, so that nothing need be stored and a create that runs again
   * after a crash renders the same one. `nonce` is new for every deploy.
   */
  callbackToken(instanceId: string, nonce: string): string {
    return createHmac("sha256", this.#callbackKey).update(`${instanceId}\n${nonce}`).digest("base64url");
  }
}

/** In constant time for texts of any length. */
export function sameText(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function derived(secretKey: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secretKey, Buffer.alloc(0), `provost ${purpose}`, 32));
}
