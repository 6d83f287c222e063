import { z } from "zod";

/** What a token may do, the smallest first: read; deploy, signal and destroy; manage tokens, providers and webhooks (C15). */
export const roles = ["viewer", "operator", "admin"] as const;
export type Role = (typeof roles)[number];

export const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  status: z.enum(["active", "expired", "revoked"]),
  createdAt: z.string(),
  createdBy: z.string().optional().describe("Name of the token that made it"),
  expiresAt: z.string().optional(),
  lastUsedAt: z.string().optional().describe("To the minute"),
  revokedAt: z.string().optional(),
});
export type TokenView = z.infer<typeof tokenSchema>;

export const createdTokenSchema = tokenSchema.extend({ token: z.string().describe("Shown this once") });
export type CreatedToken = z.infer<typeof createdTokenSchema>;

export const tokenRequestSchema = z.strictObject({
  name: z.string(),
  role: z.enum(roles),
  expiresIn: z
    .string()
    .optional()
    .describe("A duration like 12h or 90d; without it the token lasts until it is revoked"),
});
export type TokenRequest = z.input<typeof tokenRequestSchema>;
