import type { SseMessage } from "./sse-parser.ts";

/** What the stream tells: that one thing of a topic changed, and how it stands now. */
export interface LiveEvent {
  /** The message's name: instance, fleet, orphan, provider, image, delivery, job, queue, … */
  topic: string;
  /** Of what changed. */
  id: string;
  value: unknown;
}

/** What came in within a moment, or the news that anything may have come (`everything`: after a gap). */
export interface LiveBatch {
  everything: boolean;
  events: LiveEvent[];
}

/** A message carries an array of things; one that can't be read tells nothing. */
export function readEvents({ event: topic, data }: SseMessage): LiveEvent[] {
  try {
    const values: unknown = JSON.parse(data);
    return Array.isArray(values) ? values.map((value: unknown) => ({ topic, id: idOf(value), value })) : [];
  } catch {
    return [];
  }
}

/** The key under which the API knows it. */
function idOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  if ("instanceId" in value && !("webhookId" in value)) return String(value.instanceId);
  if ("providerId" in value && "provider" in value) return `${String(value.provider)}/${String(value.providerId)}`;
  if ("id" in value) return String(value.id);
  return "name" in value ? String(value.name) : "";
}

/** Of one batch: with more, anything may have changed. */
const eventsMax = 1_000;

/** Two batches as one; of each thing only the last event is kept. */
export function joinBatches(one: LiveBatch, other: LiveBatch): LiveBatch {
  const latest = new Map([...one.events, ...other.events].map((event) => [`${event.topic}/${event.id}`, event]));
  const everything = one.everything || other.everything || latest.size > eventsMax;
  return { everything, events: everything ? [] : [...latest.values()] };
}

/** Does an event concern who listens to `topics`? A topic is one of the stream's (`instance`) or one thing of it (`instance/7f3…`). */
export function fits({ topic, id }: LiveEvent, topics: readonly string[]): boolean {
  return topics.includes(topic) || topics.includes(`${topic}/${id}`);
}

export function concerns(batch: LiveBatch, topics: readonly string[]): boolean {
  if (topics.length === 0) return false;
  return batch.everything || batch.events.some((event) => fits(event, topics));
}
