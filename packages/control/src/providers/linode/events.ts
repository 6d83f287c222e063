import { z } from "zod";
import type { EventPage, ProviderEvent, ProviderEventKind } from "../event-feed.ts";
import type { Call } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import type { LinodeClient } from "./client.ts";
import { instant } from "./instance.ts";
import { pageSize } from "./instances.ts";
import { eventSchema, pageOf, type LinodeEvent } from "./shapes.ts";

/**
 * Follows `/account/events` by id. An event is a row that changes in place (scheduled, started, finished), and its status
 * cannot be filtered by: the ids of those under way are kept in the cursor and read again until they have ended.
 *
 * One pass reads the oldest of them by their ids, and everything from the next one on as a range; a pass that is longer
 * than a page goes on at `at`.
 */
export interface EventCursor {
  /** The highest id that was handed out or left out. */
  seen: number;
  /** Ids up to `seen` that had not ended, ascending. */
  open: number[];
  /** A pass was cut by its page behind this id. */
  at?: number | undefined;
}

const cursorSchema = z.object({
  seen: z.number().int(),
  open: z.array(z.number().int()),
  at: z.number().int().optional(),
});

/** Read again by their ids, 20 characters of filter each; events that take hours do not stretch the range. */
const byIdMax = 100;
/** With more under way the oldest are given up, and the page says so (`gap`). Some 16 kB of cursor. */
const openMax = 1_200;

const kinds: Readonly<Record<string, ProviderEventKind>> = {
  linode_create: "created",
  linode_clone: "created",
  linode_boot: "booted",
  lish_boot: "booted",
  linode_reboot: "rebooted",
  host_reboot: "rebooted",
  lassie_reboot: "rebooted",
  linode_shutdown: "stopped",
  linode_resize: "resized",
  linode_resize_create: "resized",
  linode_mutate: "resized",
  linode_mutate_create: "resized",
  linode_rebuild: "rebuilt",
  linode_migrate: "moved",
  linode_migrate_datacenter: "moved",
  linode_migrate_datacenter_create: "moved",
  linode_snapshot: "backup",
  backups_enable: "backup",
  backups_cancel: "backup",
  backups_restore: "backup",
  linode_delete: "destroyed",
};

/** Events of these carry the id of the Linode they belong to. */
const entityTypes = new Set(["linode", "disks", "backups"]);

export async function readEvents(client: LinodeClient, cursor: string | undefined, call: Call): Promise<EventPage> {
  if (cursor === undefined) return beginning(client, call);
  const from = parseCursor(cursor);
  const answer = await ask(client, filterOf(from), "asc", pageSize.max, call);
  return pageAfter(from, answer.data, answer.pages > 1);
}

async function beginning(client: LinodeClient, call: Call): Promise<EventPage> {
  const { data } = await ask(client, {}, "desc", pageSize.min, call);
  const seen = data.reduce((highest, event) => Math.max(highest, event.id), 0);
  const open = data.filter((event) => !isFinal(event)).map((event) => event.id);
  return { events: [], cursor: JSON.stringify({ seen, open: open.toSorted(ascending) }), more: false, gap: true };
}

async function ask(client: LinodeClient, filter: object, order: "asc" | "desc", size: number, call: Call) {
  return client.send(
    { what: "read the events", reads: true },
    {
      method: "GET",
      path: "/account/events",
      query: { page: 1, page_size: size },
      filter: { ...filter, "+order_by": "id", "+order": order },
      call,
    },
    pageOf(eventSchema),
  );
}

/** Which rows the next page is of. */
export function filterOf({ seen, open, at }: EventCursor): object {
  if (at !== undefined) return { id: { "+gt": at } };
  const first = open[byIdMax];
  const range = { id: { "+gt": first === undefined ? seen : first - 1 } };
  const single = open.slice(0, byIdMax).map((id) => ({ id }));
  return single.length === 0 ? range : { "+or": [range, ...single] };
}

/** What a page of rows, ascending by id, brings beyond the cursor. `cut`: there are more rows behind it. */
export function pageAfter(from: EventCursor, rows: readonly LinodeEvent[], cut: boolean): EventPage {
  const last = rows.at(-1)?.id ?? from.at ?? from.seen;
  const before = new Set(from.open);
  const fresh = rows.filter((row) => row.id > from.seen || (before.has(row.id) && isFinal(row)));
  // An id that was asked for and did not come is there no more.
  const unread = from.open.filter((id) => (cut && id > last) || (from.at !== undefined && id <= from.at));
  const under = rows.filter((row) => !isFinal(row) && (row.id > from.seen || before.has(row.id))).map((row) => row.id);
  const open = [...unread, ...under].toSorted(ascending);
  const next: EventCursor = {
    seen: Math.max(from.seen, last),
    open: open.slice(-openMax),
    at: cut ? last : undefined,
  };
  return {
    events: fresh.flatMap(toEvent),
    cursor: JSON.stringify(next),
    more: cut,
    gap: open.length > openMax,
  };
}

function toEvent(row: LinodeEvent): ProviderEvent[] {
  const { entity } = row;
  if (entity === undefined || entity === null || !entityTypes.has(entity.type) || typeof entity.id !== "number") {
    return [];
  }
  const seconds = isFinal(row) ? (row.duration ?? 0) : 0;
  return [
    {
      id: String(row.id),
      instanceId: String(entity.id),
      kind: kinds[row.action] ?? "changed",
      state: row.status === "failed" ? "failed" : isFinal(row) ? "finished" : "started",
      text: row.action,
      at: new Date(Date.parse(instant(row.created)) + seconds * 1_000).toISOString(),
    },
  ];
}

function isFinal(row: LinodeEvent): boolean {
  return row.status !== "scheduled" && row.status !== "started";
}

function parseCursor(text: string): EventCursor {
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ProviderError({
      code: "provider_rejected",
      effect: "none",
      message: `${JSON.stringify(text.slice(0, 60))} is no cursor of Linode's events. Begin again without one.`,
      cause,
    });
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}
