import type { LiveEvent } from "../live/events.ts";

/** What has changed since the screens were told last. */
export interface Pending {
  ids: ReadonlySet<string>;
  /** More than is listed: anything may have. */
  more: boolean;
}

export const nothing: Pending = { ids: new Set(), more: false };
export const anything: Pending = { ids: new Set(), more: true };

const idsMax = 2_000;

/** Takes in one message of the stream (`jobHintsSchema`); one that can't be read may have said anything. */
export function withHints({ ids, more }: Pending, data: string): Pending {
  try {
    const message: unknown = JSON.parse(data);
    if (typeof message !== "object" || message === null || !("ids" in message) || !Array.isArray(message.ids))
      return anything;
    const all = new Set([...ids, ...message.ids.map(String)]);
    if (all.size > idsMax) return anything;
    return { ids: all, more: more || ("more" in message && message.more === true) };
  } catch {
    return anything;
  }
}

/** Topics of a query that one job's change makes old. */
export const jobTopics = (id: string): readonly string[] => [`job/${id}`, "job/any"];
/** Topics of a query that any job's change makes old. */
export const jobsTopics: readonly string[] = ["job"];

/** A flow with more jobs than this is read again seldom: the store goes through all of them for it. */
const flowJobsFew = 1_000;

/** Of the flow that a job is in: any job may be one of it while it runs; one that has ended may be run again. */
export function flowTopics(id: string, flow: { status: string; jobs: number } | undefined): readonly string[] {
  if (flow === undefined) return jobTopics(id);
  const few = flow.jobs <= flowJobsFew;
  if (flow.status === "running") return few ? jobsTopics : jobTopics(id);
  return few ? jobTopics(id) : [`job/${id}`];
}

/** The same in the words of the page's own stream. */
export function eventsOf({ ids, more }: Pending): LiveEvent[] {
  const events = [...ids].map((id) => ({ topic: "job", id, value: undefined }));
  return more ? [...events, { topic: "job", id: "any", value: undefined }] : events;
}
