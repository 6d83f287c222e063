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
  created: z.string().nullish(),
});
export type Linode = z.infer<typeof linodeSchema>;

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), page: z.number().int(), pages: z.number().int() });

export const regionSchema = z.object({ id: z.string(), label: z.string(), status: z.string().nullish() });

export const typeSchema = z.object({
  id: z.string(),
  label: z.string(),
  vcpus: z.number(),
  memory: z.number(),
  disk: z.number(),
  price: z.object({ monthly: z.number().nullish() }).nullish(),
});

export const imageSchema = z.object({
  id: z.string(),
  label: z.string(),
  is_public: z.boolean().nullish(),
  description: z.string().nullish(),
  deprecated: z.boolean().nullish(),
  status: z.string().nullish(),
});

export const errorsSchema = z.object({
  errors: z.array(z.object({ reason: z.string(), field: z.string().nullish() })).min(1),
});
