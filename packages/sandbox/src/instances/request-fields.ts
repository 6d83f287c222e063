import type { LinodeImage } from "../catalog/images.ts";
import type { LinodeErrorEntry } from "../errors.ts";

const LABEL = /^[a-zA-Z]((?!--|__|\.\.)[a-zA-Z0-9-_.])+$/;
const TAGS_MAX = 500;
const USER_DATA_BYTES_MAX = 65_535;

/** Parts of request bodies, each read on its own: what is wrong goes into `errors`, in Linode's words. */
export type Fields = Record<string, unknown>;

/** A request's body, as it may have any shape. */
export function fieldsOf(body: unknown): Fields {
  return isObject(body) ? body : {};
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readId<Item>(
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

/** An image of the account's or a public one, ready to be deployed. */
export function readImage(
  fields: Fields,
  errors: LinodeErrorEntry[],
  find: (id: string) => LinodeImage | undefined,
): LinodeImage | undefined {
  const image = readId(fields, "image", errors, find, "image is not valid");
  if (image === undefined || image.status === "available") return image;
  errors.push({ reason: "image is not available yet", field: "image" });
  return undefined;
}

/** With an image, somebody must be able to log in: a password or a key (Linode took only a password until 2026). */
export function checkLogin(fields: Fields, hasImage: boolean, errors: LinodeErrorEntry[]): void {
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

export function readLabel(value: unknown, errors: LinodeErrorEntry[]): string | undefined {
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

export function readTags(value: unknown, errors: LinodeErrorEntry[]): string[] {
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

export function readString(fields: Fields, field: string, errors: LinodeErrorEntry[]): string | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && value.length <= 50) return value;
  errors.push({ reason: `${field} is not valid`, field });
  return undefined;
}

export function readBoolean(fields: Fields, field: string, errors: LinodeErrorEntry[]): boolean | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value;
  errors.push({ reason: `${field} must be a boolean`, field });
  return undefined;
}

export function readMetadata(value: unknown, errors: LinodeErrorEntry[]): string | undefined {
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
