import {
  ProvostError,
  type Instance,
  type InstanceCounts,
  type InstanceEvent,
  type InstanceFilter,
  type Listed,
} from "@provost/contract";
import { nearest } from "../accounts/nearest.ts";
import { eventView, instanceView, iso, type InstanceRow } from "../storage/rows.ts";
import { fleetDb } from "../sweeps/tables.ts";
import type { Store } from "../storage/store.ts";
import type { InstanceLog } from "../surface.ts";
import { countsOf, idsOfPage, type InstanceListQuery } from "./instance-list.ts";
import type { InstanceViews } from "./instance-views.ts";
import { seenRow, sweptAt } from "./last-seen.ts";

/** Rows in one page, whatever was asked for (L14). */
const pageMax = 500;
const logLinesMax = 200;

/** Reads of instances: no change, no provider. */
export class InstanceReader {
  readonly #store: Store;
  readonly #views: InstanceViews;

  constructor(store: Store, views: InstanceViews) {
    this.#store = store;
    this.#views = views;
  }

  /** By id, else by name: the one in use before the newest that is archived. Throws `instance_not_found`. */
  async row(ref: string): Promise<InstanceRow> {
    const query = fleetDb(this.#store).selectFrom("control_instance").selectAll().select(sweptAt);
    const found = ref.startsWith("in_")
      ? await query.where("id", "=", ref).executeTakeFirst()
      : ((await query.where("name", "=", ref).where("archived_at", "is", null).executeTakeFirst()) ??
        (await query.where("name", "=", ref).orderBy("id", "desc").limit(1).executeTakeFirst()));
    if (found !== undefined) return seenRow(found);
    throw await this.#notFound(ref);
  }

  /** Throws `instance_not_found`. */
  async get(ref: string): Promise<Instance> {
    const row = await this.row(ref);
    const [view] = await this.#views.of([row]);
    return view ?? instanceView(row);
  }

  /** Newest first; `next` is the last id of the page. */
  async list(query: InstanceListQuery): Promise<Listed<Instance>> {
    const limit = Math.min(Math.max(Math.trunc(query.limit), 1), pageMax);
    const ids = (await idsOfPage(this.#store.db, { ...query, limit }).execute()).map(({ id }) => id);
    const shown = ids.slice(0, limit);
    if (shown.length === 0) return { items: [] };
    const rows = await fleetDb(this.#store)
      .selectFrom("control_instance")
      .selectAll()
      .select(sweptAt)
      .where("id", "in", shown)
      .orderBy("id", "desc")
      .execute();
    const items = await this.#views.of(rows.map(seenRow));
    const last = shown.at(-1);
    return ids.length > limit && last !== undefined ? { items, next: last } : { items };
  }

  /** How many live instances stand where, each count up to its limit. */
  counts(filter: InstanceFilter): Promise<InstanceCounts> {
    return countsOf(this.#store.db, filter);
  }

  async events(ref: string, query: { after?: number; limit: number }): Promise<InstanceEvent[]> {
    const { id } = await this.row(ref);
    const rows = await this.#store.db
      .selectFrom("control_instance_event")
      .selectAll()
      .where("instance_id", "=", id)
      .where("seq", ">", query.after ?? 0)
      .orderBy("seq")
      .limit(Math.min(Math.max(Math.trunc(query.limit), 1), pageMax))
      .execute();
    return rows.map(eventView);
  }

  /** What the instance sent with its reports, oldest first. */
  async logs(ref: string): Promise<InstanceLog[]> {
    const row = await this.row(ref);
    const events = await this.#store.db
      .selectFrom("control_instance_event")
      .selectAll()
      .where("instance_id", "=", row.id)
      .where("log", "is not", null)
      .orderBy("seq")
      .limit(logLinesMax)
      .execute();
    return events.map((event) => ({
      at: iso(Number(event.at)),
      step: event.stage ?? row.boot_failure?.step ?? event.kind,
      log: event.log ?? "",
    }));
  }

  async #notFound(ref: string): Promise<ProvostError> {
    const rows = await this.#store.db
      .selectFrom("control_instance")
      .select("name")
      .where("archived_at", "is", null)
      .where("builder_of", "is", null)
      .orderBy("id", "desc")
      .limit(pageMax)
      .execute();
    const close = nearest(
      ref,
      rows.map(({ name }) => name),
    );
    const way = close.length === 0 ? "there are none" : `there is ${close.join(", ")}`;
    const shown = JSON.stringify(ref.slice(0, 80));
    return new ProvostError("instance_not_found", `There is no instance ${shown}: ${way}.`, { field: "instance" });
  }
}
