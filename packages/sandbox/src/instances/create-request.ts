import { catalog } from "../catalog/catalog.ts";
import type { LinodeType } from "../catalog/instance-types.ts";
import { LinodeApiError, type LinodeErrorEntry } from "../errors.ts";

const LABEL = /^[a-zA-Z]((?!--|__|\.\.)[a-zA-Z0-9-_.])+$/;
const TAGS_MAX = 500;
const USER_DATA_BYTES_MAX = 65_535;

/** A create that Linode would take, save for what depends on the account (label taken, limit reached). */
export interface CreateRequest {
  region: string;
  type: LinodeType;
  image: string | null;
  /** Undefined: the API makes one. */
  label: string | undefined;
  group: string;
  tags: string[];
  backups: boolean;
  booted: boolean;
  privateIp: boolean;
  /** Decoded. */
  userData: string | undefined;
}

/**
 * Reads the body of `POST /v4/linode/instances`. Throws one 400 that names every wrong field, in Linode's words. The
 * root password and the keys are checked and forgotten: no pretend guest can be logged into.
 */
export function readCreate(body: unknown): CreateRequest {
  const errors: LinodeErrorEntry[] = [];
  const fields = isObject(body) ? body : {};
  const region = readId(fields, "region", errors, catalog.region, "region is not valid");
  const type = readId(fields, "type", errors, catalog.type, "A valid plan type by that ID was not found");
  const hasImage = fields["image"] !== undefined && fields["image"] !== null;
  const image = hasImage ? readId(fields, "image", errors, catalog.image, "image is not valid") : undefined;
  checkLogin(fields, hasImage, errors);
  const others = {
    label: readLabel(fields["label"], errors),
    group: readString(fields, "group", errors) ?? "",
    tags: readTags(fields["tags"], errors),
    backups: readBoolean(fields, "backups_enabled", errors) ?? false,
    booted: readBoolean(fields, "booted", errors) ?? hasImage,
    privateIp: readBoolean(fields, "private_ip", errors) ?? false,
    userData: readMetadata(fields["metadata"], errors),
  };
  if (errors.length > 0 || region === undefined || type === undefined) throw new LinodeApiError(400, errors);
  return { region: region.id, type, image: image?.id ?? null, ...others };
}

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
  const fields = isObject(body) ? body : {};
  const request: UpdateRequest = {
    label: readLabel(fields["label"], errors),
    tags: fields["tags"] === undefined ? undefined : readTags(fields["tags"], errors),
    group: readString(fields, "group", errors),
    watchdog: readBoolean(fields, "watchdog_enabled", errors),
  };
  if (errors.length > 0) throw new LinodeApiError(400, errors);
  return request;
}

type Fields = Record<string, unknown>;

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readId<Item>(
  fields: Fields,
  field: string,
  errors: LinodeErrorEntry[],
  find: (id: string) => Item | undefined,
  otherwise: string,
): Item | undefined {
  const value = fields[field];
  const item = typeof value === "string" ? find(value) : undefined;
  if (item === undefined) {
    errors.push({ reason: value === undefined || value === null ? `${field} is required` : otherwise, field });
  }
  return item;
}

/** With an image, somebody must be able to log in: a password or a key (Linode took only a password until 2026). */
function checkLogin(fields: Fields, hasImage: boolean, errors: LinodeErrorEntry[]): void {
  const password = fields["root_pass"];
  if (password !== undefined && password !== null) {
    if (typeof password !== "string" || password.length < 11 || password.length > 128) {
      errors.push({ reason: "Length must be 11-128 characters", field: "root_pass" });
    }
    return;
  }
  const hasKeys = ["authorized_keys", "authorized_users"].some(
    (field) => Array.isArray(fields[field]) && fields[field].length > 0,
  );
  if (hasImage && !hasKeys) errors.push({ reason: "root_pass is required", field: "root_pass" });
}

function readLabel(value: unknown, errors: LinodeErrorEntry[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string" || value.length < 3 || value.length > 64) {
    errors.push({ reason: "Length must be 3-64 characters", field: "label" });
    return undefined;
  }
  if (!LABEL.test(value) || /[-_.]$/.test(value)) {
    errors.push({
      reason:
        "Label must start with a letter, end with a letter or digit, and hold only letters, digits, single dashes, underscores and periods",
      field: "label",
    });
  }
  return value;
}

function readTags(value: unknown, errors: LinodeErrorEntry[]): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > TAGS_MAX) {
    errors.push({ reason: "tags must be a list", field: "tags" });
    return [];
  }
  const tags = new Set<string>();
  for (const tag of value) {
    if (typeof tag === "string" && tag.length >= 3 && tag.length <= 50) tags.add(tag);
    else errors.push({ reason: "Tag length must be 3-50 characters", field: "tags" });
  }
  return [...tags];
}

function readString(fields: Fields, field: string, errors: LinodeErrorEntry[]): string | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && value.length <= 50) return value;
  errors.push({ reason: `${field} is not valid`, field });
  return undefined;
}

function readBoolean(fields: Fields, field: string, errors: LinodeErrorEntry[]): boolean | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value;
  errors.push({ reason: `${field} must be a boolean`, field });
  return undefined;
}

function readMetadata(value: unknown, errors: LinodeErrorEntry[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  const encoded = isObject(value) ? value["user_data"] : undefined;
  if (isObject(value) && (encoded === undefined || encoded === null)) return undefined;
  if (typeof encoded !== "string" || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(encoded)) {
    errors.push({ reason: "Must be base64-encoded", field: "metadata.user_data" });
    return undefined;
  }
  const decoded = Buffer.from(encoded, "base64");
  if (decoded.length > USER_DATA_BYTES_MAX) {
    errors.push({ reason: `Must not exceed ${USER_DATA_BYTES_MAX} bytes`, field: "metadata.user_data" });
    return undefined;
  }
  return decoded.toString("utf8");
}
