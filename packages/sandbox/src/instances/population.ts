import { catalog } from "../catalog/catalog.ts";
import type { AccountClock } from "../clock/account-clock.ts";
import type { Random } from "../clock/random.ts";
import { diskLayout } from "../disks/disks.ts";
import { badField, LinodeApiError, type LinodeErrorEntry } from "../errors.ts";
import type { EventLog } from "../events/event-log.ts";
import { linodeOf } from "../events/event-record.ts";
import type { StateSink } from "../state/state-sink.ts";
import type { Counters } from "../stats.ts";
import type { FindImage } from "./create-request.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { type InstanceRecord, NO_SNAPSHOTS } from "./record.ts";
import { type Fields, fieldsOf, readBoolean, readId, readLabel, readString, readTags } from "./request-fields.ts";
import type { InstanceStore } from "./store.ts";

/** The body of `POST /sandbox/populate`: `count` instances at once, without calls, boots, events or latency. */
export interface PopulateRequest {
  /** 1–1,000,000, within the account's limit. */
  count: number;
  /** Their labels are this and the id; `fleet-` by default. */
  label_prefix?: string;
  /** `us-east` by default. */
  region?: string;
  /** `g6-nanode-1` by default. */
  type?: string;
  /** `linode/debian12` by default. */
  image?: string;
  tags?: string[];
  /** `running` by default. */
  status?: "running" | "offline";
  backups_enabled?: boolean;
}

export interface Populated {
  created: number;
  first_id: number;
  last_id: number;
}

/** The body of `POST /sandbox/vanish`: instances are gone behind their owner's back. Give `count` or `ids`. */
export interface VanishRequest {
  /** So many at random; fewer where there are not enough. */
  count?: number;
  ids?: number[];
  /** Only of those whose labels begin so. */
  label_prefix?: string;
  /** Whether the account's feed tells of it; not by default. */
  events?: boolean;
}

export interface PopulationParts {
  time: AccountClock;
  random: Random;
  store: InstanceStore;
  lifecycle: Lifecycle;
  events: EventLog;
  state: StateSink;
  counters: Counters;
  findImage: FindImage;
  instanceLimit: number;
}

const COUNT_MAX = 1_000_000;

/** Whole fleets that come and go at once, for tests at scale (C16): no cloud has this. */
export class Population {
  readonly #parts: PopulationParts;

  constructor(parts: PopulationParts) {
    this.#parts = parts;
  }

  /** Creates instances at rest. Throws Linode's 400 for what a create would refuse. */
  populate(body: unknown): Populated {
    const { store, time, state, counters, instanceLimit } = this.#parts;
    const { count, prefix, ...wanted } = this.#read(body);
    if (store.all.length + count > instanceLimit) {
      throw new LinodeApiError(400, [
        { reason: `count ${count}: the account may have ${instanceLimit} instances`, field: "count" },
      ]);
    }
    const firstId = store.nextId;
    for (let id = firstId; id < firstId + count; id++) {
      const label = `${prefix}${id}`;
      if (store.withLabel(label) !== undefined) throw badField("label_prefix", `Label ${label} is taken`);
    }
    const now = time.stamp();
    for (let made = 0; made < count; made++) {
      const id = store.takeId();
      const record: InstanceRecord = {
        id,
        label: `${prefix}${id}`,
        ...wanted,
        group: "",
        snapshots: NO_SNAPSHOTS,
        hasUserData: false,
        privateIp: false,
        watchdog: true,
        addressIndex: store.takeAddress(),
        createdMs: now,
        updatedMs: now,
        task: undefined,
        stuck: false,
        dueMs: 0,
        firstBoot: undefined,
      };
      store.add(record);
      state.changed("instance", record);
    }
    counters.populated += count;
    return { created: count, first_id: firstId, last_id: store.nextId - 1 };
  }

  /** Deletes instances at once. Returns their ids, by descending chance of having been drawn first. */
  vanish(body: unknown): number[] {
    const { lifecycle, events, counters } = this.#parts;
    const fields = fieldsOf(body);
    const errors: LinodeErrorEntry[] = [];
    const isTold = readBoolean(fields, "events", errors) ?? false;
    const chosen = this.#choose(fields, errors);
    if (errors.length > 0) throw new LinodeApiError(400, errors);
    for (const record of chosen) {
      lifecycle.remove(record);
      if (isTold) events.finish(events.start("linode_delete", linodeOf(record), 0));
    }
    counters.vanished += chosen.length;
    return chosen.map(({ id }) => id);
  }

  #choose(fields: Fields, errors: LinodeErrorEntry[]): InstanceRecord[] {
    const { store, random } = this.#parts;
    const { ids } = fields;
    const prefix = readString(fields, "label_prefix", errors) ?? "";
    const matching = store.all.filter(({ label }) => label.startsWith(prefix));
    if (Array.isArray(ids)) {
      const wanted = new Set(ids);
      return matching.filter(({ id }) => wanted.has(id));
    }
    const count = readCount(fields, errors);
    // The first places of a shuffle.
    const until = Math.min(count, matching.length);
    for (let at = 0; at < until; at++) {
      const other = at + Math.floor(random.next() * (matching.length - at));
      const [one, two] = [matching[at], matching[other]];
      if (one === undefined || two === undefined) break;
      matching[at] = two;
      matching[other] = one;
    }
    return matching.slice(0, until);
  }

  #read(body: unknown) {
    const fields = { region: "us-east", type: "g6-nanode-1", image: "linode/debian12", ...fieldsOf(body) };
    const errors: LinodeErrorEntry[] = [];
    const count = readCount(fields, errors);
    const prefix = readString(fields, "label_prefix", errors) ?? "fleet-";
    // With an id behind it, as the labels will be.
    readLabel(`${prefix}60000001`, errors);
    const region = readId(fields, "region", errors, catalog.region, "region is not valid");
    const type = readId(fields, "type", errors, catalog.type, "A valid plan type by that ID was not found");
    const image = readId(fields, "image", errors, this.#parts.findImage, "image is not valid");
    const tags = readTags(fieldsOf(body)["tags"], errors);
    const backups = readBoolean(fields, "backups_enabled", errors) ?? false;
    const status = readStatus(fields, errors);
    if (errors.length > 0 || region === undefined || type === undefined || image === undefined) {
      throw new LinodeApiError(400, errors);
    }
    return {
      count,
      prefix,
      region: region.id,
      type,
      image: image.id,
      disks: diskLayout(type),
      tags,
      status,
      backupsSinceMs: backups ? this.#parts.time.stamp() : 0,
    };
  }
}

function readCount(fields: Fields, errors: LinodeErrorEntry[]): number {
  const { count } = fields;
  if (typeof count === "number" && Number.isInteger(count) && count >= 1 && count <= COUNT_MAX) return count;
  errors.push({ reason: `count must be a whole number from 1 to ${COUNT_MAX}`, field: "count" });
  return 0;
}

function readStatus(fields: Fields, errors: LinodeErrorEntry[]): "running" | "offline" {
  const { status } = fields;
  if (status === undefined || status === "running") return "running";
  if (status === "offline") return "offline";
  errors.push({ reason: "status must be running or offline", field: "status" });
  return "running";
}
