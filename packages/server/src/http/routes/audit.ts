import { auditEntrySchema, pageSchema } from "@provost/contract";
import type { AuditQuery, ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { after, limit } from "./parameters.ts";

/** Read alone: the log has no route that changes it (C15). */
export function auditRoute(app: App, control: ControlSurface): void {
  const filter = z.string().min(1).max(128).optional();
  app.get(
    "/v1/audit",
    {
      schema: {
        summary: "Who did what, newest first",
        description:
          "Every action that was done, refused or failed; a line is written in the same transaction as its action, and cannot be changed. Lines are kept for 365 days, or what PROVOST_AUDIT_KEPT says.",
        tags: ["Audit"],
        querystring: z.strictObject({
          actor: filter.describe("Id or name of a token"),
          action: filter.describe("Like instance.destroy"),
          target: filter.describe("Id or name of an instance, provider, token or webhook"),
          after,
          limit,
        }),
        response: { 200: pageSchema(auditEntrySchema) },
      },
    },
    ({ query }) => {
      const { limit: count, ...rest } = query;
      const given: Omit<AuditQuery, "limit"> = Object.fromEntries(
        Object.entries(rest).filter(([, value]) => value !== undefined),
      );
      return control.audit.list({ ...given, limit: count });
    },
  );
}
