import { createHmac, randomBytes } from "node:crypto";

const secretBytes = 32;
const prefix = "whsec_";

/** A fresh secret in the form of Standard Webhooks: `whsec_` and 32 bytes in base64. */
export function newSecret(): string {
  return prefix + randomBytes(secretBytes).toString("base64");
}

/**
 * The headers of one attempt, as Standard Webhooks has them: the id is the same for every attempt, the time is that of this
 * one, and the signature covers id, time and body.
 *
 * @param atMs ms since 1970; sent in whole seconds.
 */
export function signedHeaders(secret: string, id: string, atMs: number, body: string): Record<string, string> {
  const seconds = String(Math.floor(atMs / 1_000));
  const key = Buffer.from(secret.slice(prefix.length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${signature}` };
}
