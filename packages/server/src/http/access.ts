import { ProvostError } from "@provost/contract";
import type { TokenDoor, TokenHolder } from "@provost/control";
import type { FastifyRequest } from "fastify";
import { permits, ruleOf } from "./route-rules.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Whose token came with the request; null where none is asked for. */
    holder: TokenHolder | null;
  }
}

/** The token of `Authorization: Bearer …`, or undefined. */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^bearer +([\w.~+/=-]{1,512})$/i.exec(request.headers.authorization?.trim() ?? "")?.[1];
}

/**
 * Closed by default (C15). A rejected token is told to nobody, the log included.
 *
 * @throws ProvostError `unauthenticated`, `forbidden`.
 */
export async function requireAccess(tokens: TokenDoor, request: FastifyRequest): Promise<void> {
  const { who } = ruleOf(request.method, request.routeOptions.url);
  if (who === "anyone" || who === "instance") return;
  const token = bearerToken(request);
  const holder = token === undefined ? undefined : await tokens.verify(token);
  if (holder === undefined) {
    throw new ProvostError(
      "unauthenticated",
      `${request.headers.authorization === undefined ? "No token was sent" : "The token is not valid"}. Send "Authorization: Bearer <token>"; the admin token lies in the file admin-token in the server's data folder.`,
    );
  }
  request.holder = holder;
  if (!permits(holder.role, who)) {
    throw new ProvostError(
      "forbidden",
      `The token "${holder.name}" has the role ${holder.role}; this needs the role ${who}.`,
    );
  }
}

/**
 * For what outlives its request, a stream: whether it may still be sent (C15).
 *
 * @throws ProvostError `unauthenticated` when its token was revoked or has expired.
 */
export async function stillAllowed({ tokens }: { tokens: TokenDoor }, { holder }: FastifyRequest): Promise<void> {
  if (holder !== null && !(await tokens.isLive(holder.id))) {
    throw new ProvostError("unauthenticated", `The token "${holder.name}" was revoked or has expired.`);
  }
}
