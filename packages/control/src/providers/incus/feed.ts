import type { WebSocket } from "undici";
import type { EventPage, ProviderEvent, ProviderEventKind } from "../event-feed.ts";
import type { Call } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import { lifecycle } from "./answers.ts";
import type { IncusApi } from "./api.ts";
import { instant } from "./instance.ts";

/** Kept while nobody asks; the oldest are forgotten beyond that, and the next page says so (`gap`). */
const KEPT_MAX = 10_000;
const PAGE_MAX = 500;

/** What comes after `instance-` in an action; everything else is `changed`. */
const KINDS: Readonly<Record<string, ProviderEventKind>> = {
  created: "created",
  started: "booted",
  restarted: "rebooted",
  stopped: "stopped",
  shutdown: "stopped",
  deleted: "destroyed",
  rebuilt: "rebuilt",
  migrated: "moved",
  restored: "backup",
  "snapshot-created": "backup",
  "snapshot-deleted": "backup",
};

/**
 * The daemon tells what happens over a websocket, to those who listen, and never again: so this part of the driver keeps
 * state. A connection, opened at the first look, fills a buffer from which pages are read. Ids are `connection-number`; a cursor of
 * another connection, one that is too old, and none at all are answered with a gap, after which a sweep has to look (C10).
 */
export class IncusFeed {
  readonly #api: IncusApi;
  #socket: WebSocket | undefined;
  #opening: Promise<void> | undefined;
  /** When the connection was opened, in ms: grows from one to the next. */
  #connection = 0;
  /** The number of the last event; the first of a connection is 1. */
  #last = 0;
  #kept: ProviderEvent[] = [];
  #closed = false;

  constructor(api: IncusApi) {
    this.#api = api;
  }

  /** Throws `ProviderError`, `provider_rejected` for a cursor that is not its own. */
  async read(cursor: string | undefined, call: Call): Promise<EventPage> {
    const from = cursor === undefined ? undefined : positionOf(cursor);
    await this.#connected(call);
    if (from === undefined) return { events: [], cursor: this.#id(this.#last), more: false, gap: true };
    const same = from.connection === this.#connection;
    const seen = same ? from.number : 0;
    const firstKept = this.#last - this.#kept.length + 1;
    const rest = this.#kept.slice(Math.max(seen - firstKept + 1, 0));
    const events = rest.slice(0, PAGE_MAX);
    return {
      events,
      cursor: events.at(-1)?.id ?? this.#id(this.#last),
      more: rest.length > events.length,
      gap: !same || seen < firstKept - 1,
    };
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
  }

  async #connected(call: Call): Promise<void> {
    if (this.#socket !== undefined && this.#socket.readyState === this.#socket.OPEN) return;
    this.#opening ??= this.#open(call).finally(() => (this.#opening = undefined));
    await this.#opening;
  }

  async #open(call: Call): Promise<void> {
    const connection = Math.max(Date.now(), this.#connection + 1);
    this.#connection = connection;
    this.#last = 0;
    this.#kept = [];
    this.#socket = await this.#api.stream((text) => {
      if (this.#connection === connection) this.#take(text);
    }, call);
    if (this.#closed) this.#socket.close();
  }

  #take(text: string): void {
    const event = eventOf(text);
    if (event === undefined) return;
    this.#last += 1;
    this.#kept.push({ id: this.#id(this.#last), ...event });
    if (this.#kept.length > KEPT_MAX) this.#kept.splice(0, KEPT_MAX / 2);
  }

  /** Compares as text. */
  #id(number: number): string {
    return `${this.#connection}-${String(number).padStart(10, "0")}`;
  }
}

function eventOf(text: string): Omit<ProviderEvent, "id"> | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = lifecycle.safeParse(raw);
  if (!parsed.success) return undefined;
  const { action, source } = parsed.data.metadata;
  const verb = /^(?:instance|container|virtual-machine)-(.+)$/.exec(action)?.[1];
  const name = /\/instances\/([^/?]+)/.exec(source)?.[1];
  const at = instant(parsed.data.timestamp);
  if (verb === undefined || name === undefined || at === undefined) return undefined;
  return {
    instanceId: decodeURIComponent(name),
    kind: KINDS[verb] ?? "changed",
    state: "finished",
    text: action,
    at,
  };
}

function positionOf(cursor: string): { connection: number; number: number } {
  const parts = /^(\d{13})-(\d{10})$/.exec(cursor);
  if (parts !== null) return { connection: Number(parts[1]), number: Number(parts[2]) };
  throw new ProviderError({
    code: "provider_rejected",
    effect: "none",
    message: `${JSON.stringify(cursor.slice(0, 60))} is no cursor of this server's events. Begin again without one.`,
  });
}
