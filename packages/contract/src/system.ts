import { z } from "zod";
import { providerDetailSchema } from "./schemas.ts";

const budget = providerDetailSchema.shape.budgets.element.pick({
  group: true,
  limit: true,
  left: true,
  waiting: true,
  blockedUntil: true,
});

/** How everything is, on one page. */
export const systemSchema = z.object({
  deployment: z.string(),
  version: z.string().describe("Of the server that answers"),
  node: z.string(),
  store: z.object({ kind: z.enum(["sqlite", "postgres"]), version: z.string() }),
  now: z.string().describe("By the store's clock"),
  startedAt: z.string().describe("When the server that answers was started"),
  uptimeSeconds: z.number().int(),
  servers: z
    .array(
      z.object({
        id: z.string(),
        host: z.string(),
        pid: z.number().int(),
        version: z.string(),
        node: z.string(),
        startedAt: z.string(),
        seenAt: z.string().describe("Its last sign of life: one every 15 s"),
        here: z.boolean().describe("It gives this answer"),
      }),
    )
    .describe("Server processes on this store; one that has been silent for an hour is forgotten"),
  providers: z.array(
    z.object({
      name: z.string(),
      driver: z.string(),
      state: z
        .enum(["ok", "failing", "down", "credentials-rejected", "braked"])
        .describe("down: a circuit is open, it is not asked for now; braked: too many of its instances look unwell"),
      circuits: providerDetailSchema.shape.circuits,
      brake: providerDetailSchema.shape.brake,
      budgets: z.array(budget),
      lastError: z.object({ at: z.string(), code: z.string(), message: z.string() }).optional(),
      check: providerDetailSchema.shape.check,
      sweep: z
        .object({
          state: z.enum(["idle", "running", "confirming"]),
          startedAt: z.string(),
          completeAt: z.string().optional().describe("When the last complete one ended"),
          ageSeconds: z.number().optional().describe("Since then"),
          errors: z.number().int(),
          lastError: z.string().optional(),
        })
        .optional(),
    }),
  ),
  webhooks: z.object({
    count: z.number().int(),
    failing: z.number().int().describe("Whose newest delivery that was tried has not been taken"),
  }),
});
export type SystemView = z.infer<typeof systemSchema>;
