import { type LinodeErrorEntry, LinodeApiError } from "../errors.ts";
import { type Fields, fieldsOf, readBoolean, readTags } from "../instances/request-fields.ts";

const LABEL_CHARS_MAX = 50;
const DESCRIPTION_CHARS_MAX = 65_000;

/** What `PUT /v4/images/{id}` may change; undefined stays as it is. */
export interface ImageUpdate {
  label: string | undefined;
  description: string | null | undefined;
  tags: string[] | undefined;
}

export interface ImageCreate extends ImageUpdate {
  diskId: number;
  cloudInit: boolean;
}

/** Reads the body of an image's update. Throws Linode's 400. */
export function readImageUpdate(body: unknown): ImageUpdate {
  const errors: LinodeErrorEntry[] = [];
  const update = readDescriptive(fieldsOf(body), errors);
  if (errors.length > 0) throw new LinodeApiError(400, errors);
  return update;
}

/** Reads the body of `POST /v4/images`. Throws Linode's 400. */
export function readImageCreate(body: unknown): ImageCreate {
  const errors: LinodeErrorEntry[] = [];
  const fields = fieldsOf(body);
  const descriptive = readDescriptive(fields, errors);
  const cloudInit = readBoolean(fields, "cloud_init", errors) ?? false;
  const diskId = fields["disk_id"];
  if (typeof diskId !== "number" || !Number.isSafeInteger(diskId)) {
    throw new LinodeApiError(400, [...errors, { reason: "disk_id is required", field: "disk_id" }]);
  }
  if (errors.length > 0) throw new LinodeApiError(400, errors);
  return { ...descriptive, diskId, cloudInit };
}

function readDescriptive(fields: Fields, errors: LinodeErrorEntry[]): ImageUpdate {
  const { label, description, tags } = fields;
  return {
    label: readText("label", label, LABEL_CHARS_MAX, errors),
    description: description === null ? null : readText("description", description, DESCRIPTION_CHARS_MAX, errors),
    tags: tags === undefined ? undefined : readTags(tags, errors),
  };
}

function readText(field: string, value: unknown, charsMax: number, errors: LinodeErrorEntry[]): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && value.length >= 1 && value.length <= charsMax) return value;
  errors.push({ reason: `Length must be 1-${charsMax} characters`, field });
  return undefined;
}
