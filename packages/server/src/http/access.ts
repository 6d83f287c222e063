import { ProvostError, type Role } from "@provost/contract";
import type { ControlSurface, SessionHolder, TokenHolder } from "@provost/control";
import type { FastifyReply, FastifyRequest } from "fastify";
import { sessionCookieOf, sessionSecret } from "./cookies.ts";
import { permits, ruleOf } from "./route-rules.ts";
import { requireCsrf } from "./same-site.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Whose token, or session, came with the request; null where none is asked for. */
    holder: TokenHolder | null;
    /** Of a request that came with a cookie. */
    session: SessionHolder | null;
  }
}

type Doors = Pick<ControlSurface, "tokens" | "sessions">;

/** The token of `Authorization: Bearer …`, or undefined. */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^bearer +([\w.~+/=-]{1,512})$/i.exec(request.headers.authorization?.trim() ?? "")?.[1];
}

/**
 * Closed by default (C15). A rejected token is told to nobody, the log included. A request that brings a token is judged by that alone; a
 * cookie counts where there is none, and proves for each change that it is the page that asks.
 *
 * @throws ProvostError `unauthenticated`, `forbidden`, `csrf_rejected`.
 */
export async function requireAccess(
  doors: Doors,
  basePath: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { who } = ruleOf(request.method, request.routeOptions.url);
  if (who === "anyone" || who === "instance") return;
  const holder = await holderOf(doors, request);
  if (holder === undefined) {
    if (request.headers.cookie !== undefined && sessionSecret(request) !== undefined) {
      void reply.header("set-cookie", sessionCookieOf(request, basePath, "gone"));
    }
    throw unauthenticated(request);
  }
  request.holder = holder;
  requireRole(holder, who);
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (request.session !== null && !isRead) requireCsrf(request, request.session.csrf);
}

/** @throws ProvostError `forbidden`. */
function requireRole(holder: TokenHolder, needed: Role): void {
  if (permits(holder.role, needed)) return;
  throw new ProvostError(
    "forbidden",
    `The token "${holder.name}" has the role ${holder.role}; this needs the role ${needed}.`,
  );
}

/**
 * For what outlives its request, a stream: whether it may still be sent (C15).
 *
 * @throws ProvostError `unauthenticated` when its token was revoked or has expired, or its session is over.
 */
export async function stillAllowed(doors: Doors, { holder, session }: FastifyRequest): Promise<void> {
  if (session !== null && !(await doors.sessions.isLive(session.id))) {
    throw new ProvostError("unauthenticated", "The session is over: sign in again.");
  }
  if (session === null && holder !== null && !(await doors.tokens.isLive(holder.id))) {
    throw new ProvostError("unauthenticated", `The token "${holder.name}" was revoked or has expired.`);
  }
}

async function holderOf(doors: Doors, request: FastifyRequest): Promise<TokenHolder | undefined> {
  if (request.headers.authorization !== undefined) {
    const token = bearerToken(request);
    return token === undefined ? undefined : doors.tokens.verify(token);
  }
  const secret = sessionSecret(request);
  const session = secret === undefined ? undefined : await doors.sessions.verify(secret);
  request.session = session ?? null;
  return session?.holder;
}

function unauthenticated(request: FastifyRequest): ProvostError {
  const { authorization } = request.headers;
  const what =
    authorization !== undefined
      ? "The token is not valid"
      : sessionSecret(request) === undefined
        ? "No token was sent"
        : "The session is over, or never was: sign in again. Programs send a token";
  return new ProvostError(
    "unauthenticated",
    `${what}. Send "Authorization: Bearer <token>"; the admin token lies in the file admin-token in the server's data folder.`,
  );
}
