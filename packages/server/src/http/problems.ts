import { errorKinds, ProvostError, type Problem } from "@provost/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import { errorCode, messageOf } from "../error-code.ts";

/** RFC 9457 answers: every error leaves the server in this one shape, with a stable code and the request's id. */

/** What the framework itself refuses, in our codes. */
const frameworkErrors: Record<string, (request: FastifyRequest) => ProvostError> = {
  FST_ERR_CTP_BODY_TOO_LARGE: (request) =>
    new ProvostError(
      "request_too_large",
      `The body is larger than ${request.routeOptions.bodyLimit} bytes. Send less.`,
    ),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: (request) =>
    new ProvostError(
      "media_type_not_supported",
      `The content type is ${JSON.stringify(request.headers["content-type"] ?? "")}. Send application/json.`,
    ),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new ProvostError("invalid_request", "The body is empty. Send a JSON object."),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new ProvostError("invalid_request", "The body is not valid JSON."),
};

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const told = asProvostError(error, request);
  request.refusal = told;
  if (told.code === "internal") request.log.error({ err: error }, "a request broke");
  return sendProblem(reply, request, told);
}

export function sendProblem(reply: FastifyReply, request: FastifyRequest, error: ProvostError): FastifyReply {
  if (error.code === "unauthenticated") void reply.header("www-authenticate", 'Bearer realm="provost"');
  if (error.code === "server_unavailable") void reply.header("retry-after", "1");
  // Said here too: what the framework refuses by itself has not met our hooks.
  void reply.header("x-request-id", request.id);
  const problem = problemOf(error, request.id);
  return reply.code(problem.status).type("application/problem+json").serializer(JSON.stringify).send(problem);
}

export function problemOf(error: ProvostError, requestId: string): Problem {
  const kind = errorKinds[error.code];
  return {
    type: `urn:provost:error:${error.code}`,
    title: kind.title,
    status: kind.status,
    detail: error.message,
    code: error.code,
    ...(error.field === undefined ? {} : { field: error.field }),
    requestId,
  };
}

/** What is not ours to tell (a bug, a store that fell over) becomes `internal`, without its text: the log has that. */
function asProvostError(error: unknown, request: FastifyRequest): ProvostError {
  if (error instanceof ProvostError) return error;
  const code = errorCode(error);
  const known = frameworkErrors[code];
  if (known !== undefined) return known(request);
  if (code === "store_unavailable") {
    return new ProvostError(
      "server_unavailable",
      "The database does not answer. Ask again; the server's log says why.",
      {
        cause: error,
      },
    );
  }
  if (isClientsFault(error)) {
    return new ProvostError("invalid_request", messageOf(error), { cause: error });
  }
  return new ProvostError("internal", `The request broke. Look in the server's log for ${request.id}.`, {
    cause: error,
  });
}

/** The framework says so with a status of its own. */
function isClientsFault(error: unknown): boolean {
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  return status >= 400 && status < 500;
}

/** Characters between two slashes of an address: the longest is a queue's name of 255 bytes, percent-encoded. */
export const addressPartMax = 800;

export function noRoute(method: string, url: string): ProvostError {
  const path = pathOf(url);
  const longest = Math.max(...path.split("/").map(({ length }) => length));
  if (longest > addressPartMax) {
    return new ProvostError(
      "invalid_request",
      `A part of the address has ${longest} characters: ids and names are shorter.`,
    );
  }
  return new ProvostError(
    "route_not_found",
    `There is no ${method} ${path.length > 120 ? `${path.slice(0, 120)}…` : path}. All of the API is at /reference.`,
  );
}

/** Without the query: nothing in it is worth a log line, and a client may have put a secret there by mistake. */
export function pathOf(url: string): string {
  return url.split("?", 1)[0] ?? url;
}
