import { z } from "zod";

/** What is read of Linode's answers; everything else in them is ignored. */
export const linodeSchema = z.object({
  id: z.number().int(),
  label: z.string(),
  status: z.string(),
  region: z.string(),
  type: z.string().nullable(),
  image: z.string().nullish(),
  ipv4: z.array(z.string()).nullish(),
  ipv6: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  backups: z.object({ enabled: z.boolean().nullish() }).nullish(),
  created: z.string().nullish(),
});
export type Linode = z.infer<typeof linodeSchema>;

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), page: z.number().int(), pages: z.number().int() });

export const regionSchema = z.object({ id: z.string(), label: z.string(), status: z.string().nullish() });

const priceSchema = z.object({ monthly: z.number().nullish(), hourly: z.number().nullish() });
export type LinodePrice = z.infer<typeof priceSchema>;

export const typeSchema = z.object({
  id: z.string(),
  label: z.string(),
  vcpus: z.number(),
  memory: z.number(),
  disk: z.number(),
  price: priceSchema.nullish(),
  region_prices: z.array(priceSchema.extend({ id: z.string() })).nullish(),
});

export const availabilitySchema = z.object({
  region: z.string().nullish(),
  plan: z.string().nullish(),
  available: z.boolean().nullish(),
});

export const imageSchema = z.object({
  id: z.string(),
  label: z.string(),
  is_public: z.boolean().nullish(),
  description: z.string().nullish(),
  deprecated: z.boolean().nullish(),
  status: z.string().nullish(),
  size: z.number().nullish(),
});
export type LinodeImage = z.infer<typeof imageSchema>;

/** Sizes are MB. */
export const diskSchema = z.object({
  id: z.number().int(),
  size: z.number(),
  filesystem: z.string(),
  status: z.string().nullish(),
});

export const backupSchema = z.object({
  id: z.number().int(),
  label: z.string().nullish(),
  type: z.string(),
  status: z.string(),
  available: z.boolean().nullish(),
  created: z.string().nullish(),
});
export type LinodeBackup = z.infer<typeof backupSchema>;

export const backupsSchema = z.object({
  automatic: z.array(backupSchema).nullish(),
  snapshot: z.object({ current: backupSchema.nullish(), in_progress: backupSchema.nullish() }).nullish(),
});

/** `duration` is in seconds. An entity's id is text where it is no server. */
export const eventSchema = z.object({
  id: z.number().int(),
  action: z.string(),
  status: z.string(),
  created: z.string(),
  duration: z.number().nullish(),
  entity: z.object({ id: z.union([z.number(), z.string()]).nullish(), type: z.string() }).nullish(),
});
export type LinodeEvent = z.infer<typeof eventSchema>;

export const errorsSchema = z.object({
  errors: z.array(z.object({ reason: z.string(), field: z.string().nullish() })).min(1),
});
