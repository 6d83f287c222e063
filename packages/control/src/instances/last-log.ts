import type { Kysely } from "kysely";
import type { Database } from "../storage/schema.ts";

/** What the instance said last with a log, by its story (C7); `at` in ms since 1970. */
export async function lastLog(db: Kysely<Database>, id: string): Promise<{ at: number; log: string } | undefined> {
  const found = await db
    .selectFrom("control_instance_event")
    .select(["at", "log"])
    .where("instance_id", "=", id)
    .where("log", "is not", null)
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  return found === undefined || found.log === null ? undefined : { at: Number(found.at), log: found.log };
}
