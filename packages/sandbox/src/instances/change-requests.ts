import { catalog } from "../catalog/catalog.ts";
import type { LinodeType } from "../catalog/instance-types.ts";
import { LinodeApiError, type LinodeErrorEntry } from "../errors.ts";
import type { FindImage } from "./create-request.ts";
import {
  checkLogin,
  fieldsOf,
  readBoolean,
  readId,
  readImage,
  readLabel,
  readMetadata,
  readString,
  readTags,
} from "./request-fields.ts";

/** What `PUT /v4/linode/instances/{id}` may change here; absent fields stay as they are. */
export interface UpdateRequest {
  label: string | undefined;
  tags: string[] | undefined;
  group: string | undefined;
  watchdog: boolean | undefined;
}

/** Reads the body of an update. Throws Linode's 400. */
export function readUpdate(body: unknown): UpdateRequest {
  const errors: LinodeErrorEntry[] = [];
  const fields = fieldsOf(body);
  const request: UpdateRequest = {
    label: readLabel(fields["label"], errors),
    tags: fields["tags"] === undefined ? undefined : readTags(fields["tags"], errors),
    group: readString(fields, "group", errors),
    watchdog: readBoolean(fields, "watchdog_enabled", errors),
  };
  if (errors.length > 0) throw new LinodeApiError(400, errors);
  return request;
}

const UNKNOWN_TYPE = "A valid plan type by that ID was not found";

export interface ResizeRequest {
  type: LinodeType;
  migration: "cold" | "warm";
  /** The main disk takes what the new plan adds. */
  growsDisk: boolean;
}

/** Reads the body of a resize. Throws Linode's 400. */
export function readResize(body: unknown): ResizeRequest {
  const errors: LinodeErrorEntry[] = [];
  const fields = fieldsOf(body);
  const type = readId(fields, "type", errors, catalog.type, UNKNOWN_TYPE);
  const migration = fields["migration_type"] ?? "cold";
  const growsDisk = readBoolean(fields, "allow_auto_disk_resize", errors) ?? true;
  if (migration !== "cold" && migration !== "warm") {
    errors.push({ reason: "migration_type must be warm or cold", field: "migration_type" });
  }
  if (errors.length > 0 || type === undefined) throw new LinodeApiError(400, errors);
  return { type, migration: migration === "warm" ? "warm" : "cold", growsDisk };
}

export interface RebuildRequest {
  image: string;
  /** Undefined: the plan stays. */
  type: LinodeType | undefined;
  booted: boolean;
  /** Decoded. */
  userData: string | undefined;
}

/** Reads the body of a rebuild. Throws one 400 that names every wrong field. */
export function readRebuild(body: unknown, findImage: FindImage): RebuildRequest {
  const errors: LinodeErrorEntry[] = [];
  const fields = fieldsOf(body);
  const image = readImage(fields, errors, findImage);
  checkLogin(fields, true, errors);
  const type = fields["type"] === undefined ? undefined : readId(fields, "type", errors, catalog.type, UNKNOWN_TYPE);
  const booted = readBoolean(fields, "booted", errors) ?? true;
  const userData = readMetadata(fields["metadata"], errors);
  if (errors.length > 0 || image === undefined) throw new LinodeApiError(400, errors);
  return { image: image.id, type, booted, userData };
}

/** Reads the body of a disk's resize: MB. Throws Linode's 400. */
export function readDiskSize(body: unknown): number {
  const { size } = fieldsOf(body);
  if (typeof size === "number" && Number.isInteger(size) && size > 0) return size;
  throw new LinodeApiError(400, [
    { reason: size === undefined ? "size is required" : "size is not valid", field: "size" },
  ]);
}
