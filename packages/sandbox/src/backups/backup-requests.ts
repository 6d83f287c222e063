import { type LinodeErrorEntry, LinodeApiError } from "../errors.ts";
import { fieldsOf, readBoolean } from "../instances/request-fields.ts";

/** Reads the body of a snapshot: its label. Throws Linode's 400. */
export function readSnapshotLabel(body: unknown): string {
  const { label } = fieldsOf(body);
  if (typeof label === "string" && label.length >= 1 && label.length <= 255) return label;
  const reason = label === undefined ? "label is required" : "Length must be 1-255 characters";
  throw new LinodeApiError(400, [{ reason, field: "label" }]);
}

export interface RestoreRequest {
  linodeId: number;
  /** The target's own disks are deleted first. */
  overwrite: boolean;
}

/** Reads the body of a restore. Throws Linode's 400. */
export function readRestore(body: unknown): RestoreRequest {
  const errors: LinodeErrorEntry[] = [];
  const fields = fieldsOf(body);
  const overwrite = readBoolean(fields, "overwrite", errors) ?? false;
  const linodeId = fields["linode_id"];
  if (typeof linodeId !== "number" || !Number.isSafeInteger(linodeId)) {
    throw new LinodeApiError(400, [...errors, { reason: "linode_id is required", field: "linode_id" }]);
  }
  if (errors.length > 0) throw new LinodeApiError(400, errors);
  return { linodeId, overwrite };
}
