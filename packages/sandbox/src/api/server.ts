import { randomUUID } from "node:crypto";
import { type FastifyInstance, fastify } from "fastify";
import { type LinodeErrorEntry, LinodeApiError, notFound, SandboxError } from "../errors.ts";
import { accountRoutes, type AccountRouteParts } from "./account-routes.ts";
import { type CallRunner, tokenOf } from "./call-runner.ts";
import { catalogRoutes } from "./catalog-routes.ts";
import { type ControlParts, controlRoutes } from "./control-routes.ts";
import { instanceRoutes, type InstanceRouteParts } from "./instance-routes.ts";
import { storageRoutes, type StorageRouteParts } from "./storage-routes.ts";

const BODY_BYTES_MAX = 256 * 1_024;

export interface ServerParts extends ControlParts, InstanceRouteParts, StorageRouteParts, AccountRouteParts {
  tokens: readonly string[];
  calls: CallRunner;
}

/** The HTTP face of the sandbox, not yet listening. */
export function apiServer(parts: ServerParts): FastifyInstance {
  const tokens = new Set(parts.tokens);
  const server = fastify({
    bodyLimit: BODY_BYTES_MAX,
    forceCloseConnections: true,
    genReqId: () => randomUUID(),
    // Linode's own JavaScript client asks for some things below /v4beta.
    rewriteUrl: (request) => (request.url ?? "/").replace(/^\/v4beta\//, "/v4/"),
    routerOptions: { ignoreTrailingSlash: true },
  });
  server.addHook("onRequest", async (request, reply) => {
    parts.counters.requests++;
    // Linode's own answers carry the account and the scopes; it documents no request id, so the field's usual one.
    void reply.headers({
      "x-request-id": request.id,
      "x-oauth-scopes": "*",
      "x-customer-uuid": "5A4D0B0E-7C1F-4B6E-9D1A0C5A6D7E8F90",
      "cache-control": "private, max-age=0, s-maxage=0, no-cache, no-store",
    });
    if (!tokens.has(tokenOf(request))) throw new LinodeApiError(401, [{ reason: "Invalid Token" }]);
  });
  // Clients send an empty body with a JSON content type on /boot and the like.
  server.removeContentTypeParser("application/json");
  server.addContentTypeParser("application/json", { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, body === "" ? {} : JSON.parse(body.toString()));
    } catch {
      done(new LinodeApiError(400, [{ reason: "JSON parse error" }]));
    }
  });
  server.setNotFoundHandler(() => {
    throw notFound();
  });
  server.setErrorHandler((error, _request, reply) => {
    const { status, errors, headers } = answerOf(error);
    return reply.code(status).headers(headers).send({ errors });
  });
  instanceRoutes(server, parts.calls, parts);
  storageRoutes(server, parts.calls, parts);
  catalogRoutes(server, parts.calls, parts.images);
  accountRoutes(server, parts.calls, parts);
  controlRoutes(server, parts);
  return server;
}

interface ErrorAnswer {
  status: number;
  errors: readonly LinodeErrorEntry[];
  headers: Readonly<Record<string, string>>;
}

function answerOf(error: unknown): ErrorAnswer {
  if (error instanceof LinodeApiError)
    return { status: error.httpStatus, errors: error.errors, headers: error.headers };
  if (error instanceof SandboxError) {
    const status = error.code === "sandbox_option_invalid" ? 400 : 500;
    return { status, errors: [{ reason: error.message }], headers: {} };
  }
  // What fastify refuses itself: too large, unsupported media type.
  const status = statusOf(error);
  const reason = status < 500 && error instanceof Error ? error.message : "Internal Server Error";
  return { status, errors: [{ reason }], headers: {} };
}

function statusOf(error: unknown): number {
  const status = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" && status >= 400 && status < 600 ? status : 500;
}
