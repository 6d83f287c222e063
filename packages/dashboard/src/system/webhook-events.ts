import type { WebhookEvent } from "@provost/contract";

/** What is told unless others are chosen. */
export const usual: readonly WebhookEvent[] = [
  "instance.provisioned",
  "instance.failed",
  "instance.destroyed",
  "instance.task_failed",
  "instance.missing",
  "instance.expired",
];

/** What people want to be told of; the command line knows them all. */
export const offered: readonly WebhookEvent[] = [
  ...usual,
  "instance.requested",
  "instance.task_done",
  "instance.returned",
  "instance.released",
  "image.available",
  "image.failed",
];
