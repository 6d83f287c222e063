import { z } from "zod";

/** What may be done with orphans by itself (C13): nothing, or those that carry this very deployment's tag, after a grace. */
export const orphanPolicies = ["none", "ours"] as const;
export type OrphanPolicy = (typeof orphanPolicies)[number];

export const orphanPolicySchema = z.strictObject({ policy: z.enum(orphanPolicies) });

/** A server that carries this deployment's tag and is in no record of it. */
export const orphanSchema = z.object({
  provider: z.string(),
  providerId: z.string(),
  name: z.string().describe("Its name at the provider"),
  instanceId: z.string().describe("Of the instance that its tag names"),
  status: z.string().describe("What the provider says"),
  region: z.string(),
  type: z.string(),
  ipv4: z.array(z.string()),
  createdAt: z.string().optional().describe("By the provider"),
  firstSeenAt: z.string(),
  lastSeenAt: z.string(),
  monthlyUsd: z.number().optional(),
  costUsd: z.number().optional().describe("Since it was created, or first seen, by its plan's price"),
  destroying: z.boolean(),
});
export type Orphan = z.infer<typeof orphanSchema>;

export const adoptRequestSchema = z.strictObject({
  provider: z.string().min(1),
  providerId: z.string().min(1).max(200),
  name: z.string().optional().describe("What to call it here; default: its name at the provider, made to fit"),
});
export type AdoptRequest = z.input<typeof adoptRequestSchema>;

export const adoptOrphanSchema = adoptRequestSchema.pick({ name: true });

/** How far the sweep of a provider is, and what the last complete one was. */
export const sweepSchema = z.object({
  provider: z.string(),
  number: z.number().int(),
  state: z.enum(["idle", "running", "confirming"]).describe("`confirming`: what it did not show is looked for by id"),
  startedAt: z.string(),
  pages: z.number().int(),
  instances: z.number().int(),
  errors: z.number().int().describe("Pages that could not be read; such a sweep tells of no absence"),
  lastError: z.string().optional(),
  complete: z
    .object({
      number: z.number().int(),
      startedAt: z.string(),
      endedAt: z.string(),
      seconds: z.number(),
      pages: z.number().int(),
      instances: z.number().int(),
      lines: z.number().int().describe("Parallel lines that it went in"),
    })
    .optional()
    .describe("The last that was complete and without an error"),
  feedReadAt: z.string().optional().describe("When the provider's feed of changes was last read"),
});
export type SweepView = z.infer<typeof sweepSchema>;
