import { createHash } from "node:crypto";
import { ProvostError } from "@provost/contract";
import type { Kysely } from "kysely";
import type { Database } from "../storage/schema.ts";

/** Another request with the same key came first, in this very moment. */
export class KeyTaken extends Error {
  override readonly name = "KeyTaken";
  readonly code = "key_taken";
}

/** The id of what this key has made before. Throws `idempotency_key_reused` for another request. */
export async function earlierWithKey(db: Kysely<Database>, key: string, hash: string): Promise<string | undefined> {
  const found = await db.selectFrom("control_idempotency_key").selectAll().where("key", "=", key).executeTakeFirst();
  if (found === undefined || found.request_hash === hash) return found?.instance_id;
  throw new ProvostError(
    "idempotency_key_reused",
    `The idempotency key ${JSON.stringify(key)} belongs to another request: use a new one.`,
  );
}

/** Joins the transaction that makes the thing of this id. Throws `KeyTaken`. */
export async function keepKey(
  db: Kysely<Database>,
  { key, hash, id, now }: { key: string; hash: string; id: string; now: number },
): Promise<void> {
  const mine = await db
    .insertInto("control_idempotency_key")
    .values({ key, request_hash: hash, instance_id: id, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .returning("key")
    .executeTakeFirst();
  if (mine === undefined) throw new KeyTaken();
}

/** The same for the same request; hand the fields over in one order. */
export function requestDigest(ordered: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(ordered)).digest("hex");
}
