import { z } from "zod";
import { roles } from "./access.ts";

/**
 * How an action ended: `done`; `unchanged`, since things stood so already; `refused`, with the code of the refusal;
 * `failed`, when something broke.
 */
export const auditOutcomes = ["done", "unchanged", "refused", "failed"] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

const state = z.record(z.string(), z.unknown());

/** One action: who did what to which thing, and what came of it (C15). */
export const auditEntrySchema = z.object({
  seq: z.number().int(),
  at: z.string(),
  actor: z.object({
    id: z.string().optional().describe("Id of the token; absent for Provost itself"),
    name: z.string().describe("Name of the token as it was then"),
    role: z.enum(roles).optional(),
  }),
  action: z.string().describe("instance.deploy, token.revoke, …"),
  target: z.object({ id: z.string().optional(), name: z.string().optional() }),
  before: state.optional().describe("What the action changed, as it was; secrets are masked"),
  after: state.optional().describe("As it was left; secrets are masked"),
  outcome: z.enum(auditOutcomes),
  code: z.string().optional().describe("Of the refusal or failure"),
  detail: z.string().optional(),
  requestId: z.string().optional(),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;
