import type { InstanceChange } from "@provost/contract";
import type { Selectable } from "kysely";
import { z } from "zod";
import type { ProviderService } from "../accounts/provider-service.ts";
import { iso, stageOf } from "../storage/rows.ts";
import type { InstanceEventTable, InstanceTable } from "../storage/schema.ts";
import type { Store } from "../storage/store.ts";
import type { ChangeTail, LiveDoor, WatchedTopic } from "../surface.ts";
import { EventTail } from "./event-tail.ts";
import { watchedTopics } from "./topics.ts";

const shown = [
  "name",
  "status",
  "desired",
  "type",
  "ipv4",
  "ipv6",
  "task",
  "task_id",
  "protected",
  "tags",
  "builder_of",
  "archived_at",
] as const satisfies readonly (keyof InstanceTable)[];

type ChangeRow = Omit<Selectable<InstanceEventTable>, "log" | "stage"> &
  Pick<Selectable<InstanceTable>, (typeof shown)[number]> & { reported: number };

/** What changes, for those who watch. */
export class LiveService implements LiveDoor {
  readonly topics: readonly WatchedTopic[];
  readonly #store: Store;

  constructor(store: Store, providers: ProviderService) {
    this.#store = store;
    this.topics = watchedTopics(store, providers);
  }

  tail(): ChangeTail {
    return new EventTail({
      lastSeq: () => this.#lastSeq(),
      after: (seq, limit) => this.after(seq, limit),
      these: async (seqs) => (await this.#changes().where("event.seq", "in", seqs).execute()).map(change),
    });
  }

  async after(seq: number, limit: number): Promise<InstanceChange[]> {
    const rows = await this.#changes().where("event.seq", ">", seq).limit(limit).execute();
    return rows.map(change);
  }

  async #lastSeq(): Promise<number> {
    const found = await this.#store.db
      .selectFrom("control_instance_event")
      .select("seq")
      .orderBy("seq", "desc")
      .limit(1)
      .executeTakeFirst();
    return Number(found?.seq ?? 0);
  }

  /** Each with its instance as it stands now. */
  #changes() {
    return this.#store.db
      .selectFrom("control_instance_event as event")
      .innerJoin("control_instance as instance", "instance.id", "event.instance_id")
      .select([
        "event.seq",
        "event.instance_id",
        "event.at",
        "event.kind",
        "event.message",
        "event.task_id as told_task",
      ])
      .select(shown.map((column) => `instance.${column}` as const))
      .select("instance.stage as reported")
      .orderBy("event.seq");
  }
}

const texts = z.array(z.string());

function change(row: ChangeRow & { told_task: string | null }): InstanceChange {
  const stage = stageOf(row.reported);
  return {
    seq: Number(row.seq),
    instanceId: row.instance_id,
    kind: row.kind,
    at: iso(Number(row.at)),
    message: row.message,
    ...(row.told_task === null ? {} : { taskId: row.told_task }),
    name: row.name,
    status: row.status,
    ...(stage === undefined ? {} : { stage }),
    desired: row.desired,
    type: row.type,
    ipv4: texts.parse(JSON.parse(row.ipv4)),
    ipv6: texts.parse(JSON.parse(row.ipv6)),
    ...(row.task === null ? {} : { task: { kind: row.task, ...(row.task_id === null ? {} : { id: row.task_id }) } }),
    protected: row.protected === 1,
    tags: texts.parse(JSON.parse(row.tags)),
    ...(row.builder_of === null ? {} : { builderOf: row.builder_of }),
    ...(row.archived_at === null ? {} : { archivedAt: iso(Number(row.archived_at)) }),
  };
}
