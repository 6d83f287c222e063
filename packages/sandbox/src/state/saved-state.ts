import type { DatabaseSync } from "node:sqlite";
import { catalog } from "../catalog/catalog.ts";
import type { LinodeType } from "../catalog/instance-types.ts";
import { diskLayout } from "../disks/disks.ts";
import { SandboxError } from "../errors.ts";
import type { EventRecord } from "../events/event-record.ts";
import type { PrivateImage } from "../images/private-image.ts";
import type { InstanceRecord } from "../instances/record.ts";
import { isPassing, PASSAGES } from "../instances/transitions.ts";
import type { Kind } from "./state-sink.ts";

/** Something a state file keeps as JSON. */
export interface Kept {
  readonly id: number;
}

/** The id each kind's next item gets: ids are never used again, whatever became of the items. */
export type NextIds = Readonly<Record<Kind, number>>;

export const NEXT_ID_NAMES: Readonly<Record<Kind, string>> = {
  instance: "next_id",
  event: "next_event",
  image: "next_image",
};

/** What a state file held when it was opened; everything by ascending id. */
export interface SavedState {
  records: InstanceRecord[];
  events: EventRecord[];
  images: PrivateImage[];
  /** 0 where nothing was kept yet. */
  nextIds: NextIds;
  createsByLabel: [label: string, count: number][];
}

export function readAll(database: DatabaseSync): SavedState {
  const bodies = (kind: Kind): string[] =>
    database
      .prepare(`SELECT body FROM ${kind} ORDER BY id`)
      .all()
      .map((row) => String(row["body"]));
  const nextId = database.prepare("SELECT value FROM counter WHERE name = ?");
  const next = (kind: Kind): number => Number(nextId.get(NEXT_ID_NAMES[kind])?.["value"] ?? 0);
  return {
    records: bodies("instance").map(readRecord),
    events: bodies("event").map((body): EventRecord => JSON.parse(body)),
    images: bodies("image").map((body): PrivateImage => JSON.parse(body)),
    nextIds: { instance: next("instance"), event: next("event"), image: next("image") },
    createsByLabel: database
      .prepare("SELECT label, creates FROM label")
      .all()
      .map((row) => [String(row["label"]), Number(row["creates"])]),
  };
}

/** The plan is kept by its id: the catalog is the program's. */
export function writable(item: Kept): unknown {
  return "type" in item && isPlan(item.type) ? { ...item, type: item.type.id } : item;
}

function isPlan(type: unknown): type is LinodeType {
  return typeof type === "object" && type !== null && "id" in type;
}

/** What version 1 kept in place of what there is now. */
interface SavedRecord extends Omit<InstanceRecord, "type" | "disks" | "snapshots" | "backupsSinceMs"> {
  type: string;
  disks?: InstanceRecord["disks"];
  snapshots?: InstanceRecord["snapshots"];
  backupsSinceMs?: number;
  backups?: boolean;
  bootsAfterCreate?: boolean;
}

function readRecord(body: string): InstanceRecord {
  const { bootsAfterCreate = false, backups = false, ...saved }: SavedRecord = JSON.parse(body);
  const type = catalog.type(saved.type);
  if (type === undefined) {
    throw new SandboxError(
      "sandbox_state_unusable",
      `instance ${saved.id} in the state file has type '${saved.type}', which is not in the catalog: use another file`,
    );
  }
  const record: InstanceRecord = {
    disks: saved.image === null ? [] : diskLayout(type),
    snapshots: [],
    backupsSinceMs: backups ? saved.createdMs : 0,
    ...saved,
    type,
    // JSON leaves undefined out; the record always has the fields.
    task: saved.task,
    firstBoot: saved.firstBoot,
  };
  if (record.task === undefined && isPassing(record.status)) {
    const next = record.status === "provisioning" && bootsAfterCreate ? "booting" : PASSAGES[record.status].ends;
    record.task = { eventId: 0, next, failure: undefined, brings: undefined };
  }
  return record;
}
