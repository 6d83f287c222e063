import type { ProvostError } from "@provost/contract";
import type { Act, AuditDoor } from "@provost/control";
import type { FastifyRequest } from "fastify";
import { ruleOf } from "./route-rules.ts";
import type { App } from "./zod-routes.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the request does, where that is more than to read. */
    act: Act | null;
    /** Why it is answered with a problem. */
    refusal: ProvostError | null;
  }
}

const targetMax = 128;

/**
 * Every action reaches the audit log, refused ones too (C15): what is done writes its line itself, in its transaction; the
 * rest is told just before the answer leaves. Strangers are not in it: without a token there is no "who", and nobody
 * unknown may fill the database; they are in the server's log.
 */
export function auditActions(app: App, audit: AuditDoor): void {
  app.decorateRequest("act", null);
  app.decorateRequest("refusal", null);
  app.addHook("preHandler", (request, _reply, done) => {
    const { action } = ruleOf(request.method, request.routeOptions.url);
    request.act = action === undefined ? null : begin(audit, request, action);
    if (request.act === null) done();
    else audit.run(request.act, done);
  });
  app.addHook("onSend", async (request) => {
    const { refusal } = request;
    request.act ??= refusal === null ? null : refused(audit, request, refusal);
    if (request.act !== null) await audit.end(request.act, refusal ?? undefined);
  });
}

/** Refused before its handler: by role, or for a body that cannot be used. */
function refused(audit: AuditDoor, request: FastifyRequest, refusal: ProvostError): Act | null {
  const { action } = ruleOf(request.method, request.routeOptions.url);
  if (action !== undefined) return begin(audit, request, action);
  return refusal.code === "forbidden" ? begin(audit, request, "read") : null;
}

function begin(audit: AuditDoor, request: FastifyRequest, action: string): Act | null {
  if (request.holder === null) return null;
  return audit.begin(request.holder, { action, requestId: request.id, target: targetOf(request) });
}

/** As the caller named it: in the address, in the body, or the address itself. */
function targetOf({ params, body, routeOptions }: FastifyRequest): string | undefined {
  const named = [text(params, "id"), text(params, "ref"), text(params, "name"), text(body, "name"), routeOptions.url];
  return named.find((each) => each !== undefined)?.slice(0, targetMax);
}

function text(from: unknown, key: string): string | undefined {
  const value: unknown = typeof from === "object" && from !== null ? Reflect.get(from, key) : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}
