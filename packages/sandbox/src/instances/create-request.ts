import { catalog } from "../catalog/catalog.ts";
import type { LinodeImage } from "../catalog/images.ts";
import type { LinodeType } from "../catalog/instance-types.ts";
import { LinodeApiError, type LinodeErrorEntry } from "../errors.ts";
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

/** The account's or a public image by its id. */
export type FindImage = (id: string) => LinodeImage | undefined;

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
export function readCreate(body: unknown, findImage: FindImage): CreateRequest {
  const errors: LinodeErrorEntry[] = [];
  const fields = fieldsOf(body);
  const region = readId(fields, "region", errors, catalog.region, "region is not valid");
  const type = readId(fields, "type", errors, catalog.type, "A valid plan type by that ID was not found");
  if (region !== undefined && type !== undefined && catalog.isSoldOut(region.id, type.id)) {
    errors.push({ reason: "This plan is currently unavailable in this region", field: "type" });
  }
  const hasImage = fields["image"] !== undefined && fields["image"] !== null;
  const image = hasImage ? readImage(fields, errors, findImage) : undefined;
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
