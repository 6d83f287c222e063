import { z } from "zod";

/**
 * The parts of Incus' and LXD's answers that the driver reads (REST API 1.0). Unknown fields are left alone, so that a newer
 * server is no bad answer; Go's empty slices and maps arrive as `null`.
 */

export const envelope = z.object({
  type: z.enum(["sync", "async", "error"]),
  operation: z.string().nullish(),
  error_code: z.number().nullish(),
  error: z.string().nullish(),
  /** Left out where there is nothing to say. */
  metadata: z.unknown().optional(),
});

export const operation = z.object({
  id: z.string(),
  description: z.string(),
  status_code: z.number(),
  resources: z.record(z.string(), z.array(z.string()).nullable()).nullish(),
  err: z.string(),
});
export type Operation = z.infer<typeof operation>;

/** `GET /1.0/operations?recursion=1`: operations by the word of their status (`running`, `success`); the description says a list. */
export const operations = z.union([
  z.array(operation),
  z
    .record(z.string(), z.array(operation).nullable())
    .transform((each) => Object.values(each).flatMap((some) => some ?? [])),
]);

const config = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

export const instance = z.object({
  name: z.string(),
  status: z.string(),
  status_code: z.number(),
  location: z.string().nullish(),
  created_at: z.string().nullish(),
  config,
});
export type InstanceAnswer = z.infer<typeof instance>;

export const instances = z.array(instance).nullable();

/** `GET …/snapshots?recursion=1`; older servers put the instance's name before the snapshot's. */
export const snapshots = z.array(z.object({ name: z.string(), created_at: z.string().nullish() })).nullable();

export const instanceState = z.object({
  /** In the guest; -1 for a virtual machine whose agent does not answer. */
  processes: z.number().nullish(),
  network: z
    .record(
      z.string(),
      z.object({
        type: z.string(),
        host_name: z.string().nullish(),
        addresses: z.array(z.object({ family: z.string(), address: z.string(), scope: z.string() })).nullish(),
      }),
    )
    .nullish(),
});
export type InstanceStateAnswer = z.infer<typeof instanceState>;

export const imageAlias = z.object({ target: z.string(), type: z.string().nullish() });

export const image = z.object({
  fingerprint: z.string(),
  type: z.string().nullish(),
  cached: z.boolean().nullish(),
  aliases: z.array(z.object({ name: z.string() })).nullish(),
  properties: z.record(z.string(), z.string()).nullish(),
});
export type ImageAnswer = z.infer<typeof image>;

export const images = z.array(image).nullable();

/** A message of `/1.0/events`. `source` is the path of what it happened to. */
export const lifecycle = z.object({
  type: z.literal("lifecycle"),
  timestamp: z.string(),
  metadata: z.object({ action: z.string(), source: z.string() }),
});

export const server = z.object({
  auth: z.string(),
  environment: z.object({ server_clustered: z.boolean().nullish(), server_name: z.string().nullish() }),
});

export const clusterMembers = z.array(z.object({ server_name: z.string(), status: z.string() }));
