import { randomBytes } from "node:crypto";

/** Lower-case letters and digits without those that look alike (Crockford's base 32). */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
const timeDigits = 10;
const randomDigits = 10;

export function instanceId(nowMs: number): string {
  return timedId("in", nowMs);
}

/** Ascending by time: the prefix, `_`, 10 digits of the instant and 10 random ones. The underscore keeps ids and names apart. */
export function timedId(prefix: string, nowMs: number): string {
  let time = "";
  for (let rest = Math.floor(nowMs), i = 0; i < timeDigits; i += 1) {
    time = alphabet.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  return `${prefix}_${time}${randomText(randomDigits)}`;
}

/** Of this store, e.g. `d-4kq2m9xw3t`: written at the provider as the owner (C4, C13). */
export function deploymentId(): string {
  return `d-${randomText(10)}`;
}

/**
 * Its name at the provider: unique also beside a failed server that keeps an equal name there (C8). At most 40 + 1 + 8
 * characters; no two hyphens in a row, which Linode refuses.
 */
export function providerName(name: string, id: string): string {
  return `${name.replaceAll(/-{2,}/g, "-")}-${id.slice(-8)}`;
}

/** 24 characters of three kinds: passes the strength rules of those providers that demand a root password (C2). */
export function rootPassword(): string {
  return `${randomText(8).toUpperCase()}-${randomText(8)}_${randomText(8)}`;
}

export function randomText(length: number): string {
  return Array.from(randomBytes(length), (byte) => alphabet.charAt(byte & 31)).join("");
}
