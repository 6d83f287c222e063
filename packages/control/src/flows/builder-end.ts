import type { InstanceRecords } from "../instances/records.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import type { Tasks } from "./tasks.ts";

/**
 * The end of an image's builder (C2): its destroy is an ordinary one, with a flow of its own that repeats until the provider
 * says gone. Asked for by the bake that has done, by one that has failed, and by the watchdog; it begins once.
 */
export class BuilderEnd {
  readonly #parts: { store: Store; records: InstanceRecords; tasks: () => Tasks };

  constructor(parts: { store: Store; records: InstanceRecords; tasks: () => Tasks }) {
    this.#parts = parts;
  }

  /** The builder as it stands then; undefined when there is no such row. */
  async begin(builderId: string): Promise<InstanceRow | undefined> {
    const { store, records, tasks } = this.#parts;
    const row = await records.byId(builderId);
    if (row === undefined || row.builder_of === null || row.task === "destroy" || row.status === "destroyed")
      return row;
    const now = await store.now();
    await store.write(async (write) => {
      const taken = await write.db
        .updateTable("control_instance")
        .set({ task: "destroy", desired: "destroyed", status: "destroying" })
        .where("id", "=", builderId)
        .where("task", row.task === null ? "is" : "=", row.task)
        .where("status", "<>", "destroyed")
        .returning("id")
        .executeTakeFirst();
      if (taken === undefined) return;
      const flowId = await tasks().enqueueDestroy(builderId, write);
      await write.db.updateTable("control_instance").set({ flow_id: flowId }).where("id", "=", builderId).execute();
      await write.event({
        instanceId: builderId,
        at: now,
        kind: "destroying",
        message: "The builder is not needed any more",
      });
    });
    return records.byId(builderId);
  }
}
