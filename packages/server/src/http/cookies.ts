import { sessionCookie } from "@provost/contract";
import type { FastifyRequest } from "fastify";

/** The session's secret of the request's cookie; undefined where there is none, or nothing that could be one. */
export function sessionSecret({ headers }: FastifyRequest): string | undefined {
  const found = new RegExp(`(?:^|;\\s*)${sessionCookie}=([\\w-]{20,128})(?:;|$)`).exec(headers.cookie ?? "");
  return found?.[1];
}

/**
 * The cookie as it is set (C15): no script reads it, no other site's request brings it. `Secure` where the page came by https,
 * directly or from a trusted proxy; over plain HTTP it could not be kept otherwise.
 */
export function sessionCookieOf(
  request: FastifyRequest,
  basePath: string,
  session: { secret: string; lastsMs: number } | "gone",
): string {
  const value = session === "gone" ? "" : session.secret;
  const seconds = session === "gone" ? 0 : Math.max(Math.floor(session.lastsMs / 1_000), 0);
  return [
    `${sessionCookie}=${value}`,
    `Path=${basePath === "" ? "/" : basePath}`,
    `Max-Age=${seconds}`,
    "HttpOnly",
    "SameSite=Strict",
    ...(request.protocol === "https" ? ["Secure"] : []),
  ].join("; ");
}
