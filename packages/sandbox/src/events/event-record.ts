/** What an event can be about: Linode's own words. */
export type EventAction =
  | "linode_create"
  | "linode_boot"
  | "linode_reboot"
  | "linode_shutdown"
  | "linode_delete"
  | "linode_update"
  | "linode_resize"
  | "linode_rebuild"
  | "linode_snapshot"
  | "backups_enable"
  | "backups_cancel"
  | "backups_restore"
  | "disk_resize"
  | "disk_imagize"
  | "image_update"
  | "image_delete";

export interface EventEntity {
  readonly type: "linode" | "image";
  /** An image's number: `private/7` is 7. */
  readonly id: number;
  readonly label: string;
}

/** One entry of the account's feed. It changes in place while the work it tells of goes on. */
export interface EventRecord {
  readonly id: number;
  readonly action: EventAction;
  /** The account's time, epoch ms. */
  readonly createdMs: number;
  readonly entity: EventEntity;
  /** What the work makes beside: the image of a `disk_imagize`. */
  readonly secondary: EventEntity | undefined;
  status: "started" | "finished" | "failed" | "notification";
  /** While `started`, how long the work is to take (0: nobody knows); then how long it took. */
  durationMs: number;
  message: string | null;
}

/** An instance as the feed names it, under the label it has now. */
export function linodeOf({ id, label }: { id: number; label: string }): EventEntity {
  return { type: "linode", id, label };
}
