import { ProvostError, tagListSchema } from "@provost/contract";
import type { InstanceRow } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import { tagSet } from "./tag-set.ts";

/**
 * The tags that an instance has from now on.
 *
 * @throws ProvostError `invalid_request`.
 */
export async function setTags(store: Store, row: InstanceRow, asked: readonly string[]): Promise<void> {
  const checked = tagListSchema.safeParse(asked);
  if (!checked.success) {
    const issue = checked.error.issues[0];
    throw new ProvostError("invalid_request", `tags: ${issue?.message ?? "not valid"}.`, { field: "tags" });
  }
  const tags = tagSet(checked.data);
  const saved = JSON.stringify(tags);
  const at = await store.now();
  await store.write(async (write) => {
    const changed = await write.db
      .updateTable("control_instance")
      .set({ tags: saved })
      .where("id", "=", row.id)
      .where("tags", "<>", saved)
      .returning("id")
      .executeTakeFirst();
    if (changed === undefined) return;
    const message = tags.length === 0 ? "Has no tags any more" : `Tags: ${tags.join(", ")}`;
    await write.event({ instanceId: row.id, at, kind: "tagged", message });
    const target = { id: row.id, name: row.name };
    await write.audit({ at, action: "instance.tag", target, before: { tags: row.tags }, after: { tags } });
  });
}
