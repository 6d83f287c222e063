import { jobIdSchema, ProvostError } from "@provost/contract";
import { z } from "zod";

export const instanceRef = z.object({ ref: z.string().min(1).max(64).describe("Id, or the name of a live instance") });
export const providerName = z.object({ name: z.string().min(1).max(64) });

export const imageRef = z.object({ ref: z.string().min(1).max(64).describe("Id or name") });

export const tokenRef = z.object({ ref: z.string().min(1).max(64).describe("Id, or the name of one not revoked") });

export const webhookRef = z.object({ ref: z.string().min(1).max(64).describe("Id or name") });
export const deliveryRef = webhookRef.extend({ id: z.string().min(1).max(64) });

/** Where a page begins. */
export const after = z.string().max(128).optional().describe("`next` of the page before");

/** How many items a list gives at once. */
export const listLimits = { default: 100, max: 500 } as const;
export const limit = z.coerce.number().int().min(1).max(listLimits.max).default(listLimits.default);

/** `?failed`, `?failed=true`, `?failed=1`. */
export const flag = z
  .enum(["", "0", "1", "false", "true"])
  .default("false")
  .transform((value) => value !== "0" && value !== "false");

export const fleetId = z.object({ id: z.string().min(1).max(64) });
export const taskId = z.object({ id: z.string().min(1).max(64) });

export const jobId = z.object({ id: jobIdSchema });
export const queueName = z.object({ name: z.string().min(1).max(255) });
export const scheduleName = z.object({ name: z.string().min(1).max(255) });
export const processId = z.object({ id: z.string().min(1).max(255) });

export const idempotencyHeaders = z.object({
  "idempotency-key": z.string().optional().describe("1–128 printable ASCII characters"),
});

/** As the control plane takes it. Throws `invalid_request`. */
export function idempotencyKey(headers: z.infer<typeof idempotencyHeaders>): { idempotencyKey?: string } {
  const key = headers["idempotency-key"];
  if (key === undefined) return {};
  if (/^[\x21-\x7e]{1,128}$/.test(key)) return { idempotencyKey: key };
  throw new ProvostError(
    "invalid_request",
    `Idempotency-Key has ${key.length} characters or characters outside printable ASCII: give 1–128 of those, a UUID for one.`,
    { field: "Idempotency-Key" },
  );
}
