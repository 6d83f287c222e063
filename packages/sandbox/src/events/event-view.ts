import { linodeTime } from "../clock/linode-time.ts";
import type { EventEntity, EventRecord } from "./event-record.ts";

/** The event as Linode's API shows it; `nowMs` is the account's time, for work under way. */
export function eventView(event: EventRecord, nowMs: number): Record<string, unknown> {
  const { secondary } = event;
  return {
    id: event.id,
    action: event.action,
    created: linodeTime(event.createdMs),
    duration: event.status === "started" ? 0 : event.durationMs / 1_000,
    entity: { ...event.entity, url: urlOf(event.entity) },
    secondary_entity:
      secondary === undefined ? null : { ...secondary, id: `private/${secondary.id}`, url: urlOf(secondary) },
    status: event.status,
    percent_complete: percentOf(event, nowMs),
    message: event.message,
    rate: null,
    time_remaining: null,
    username: "sandbox",
    read: false,
    seen: false,
  };
}

function urlOf({ type, id }: EventEntity): string {
  return type === "linode" ? `/v4/linode/instances/${id}` : `/v4/images/private/${id}`;
}

/** 99 at most while the work is under way; null for an event that tells of none. */
function percentOf({ status, createdMs, durationMs }: EventRecord, nowMs: number): number | null {
  if (status === "notification") return null;
  if (status !== "started") return 100;
  if (durationMs <= 0) return 0;
  return Math.max(0, Math.min(99, Math.floor((100 * (nowMs - createdMs)) / durationMs)));
}
