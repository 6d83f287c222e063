import { ProvostError } from "@provost/contract";
import type { TokenDoor, TokenRole } from "@provost/control";
import type { FastifyRequest } from "fastify";

declare module "fastify" {
  interface FastifyContextConfig {
    /**
     * Who may call the route. Absent: `viewer` reads, `operator` changes. `open`: anyone. `callback`: an instance, whose
     * token the route itself checks (C6).
     */
    access?: "open" | "callback" | TokenRole;
  }
}

const ranks: Record<TokenRole, number> = { viewer: 0, operator: 1, admin: 2 };

/** The token of `Authorization: Bearer …`, or undefined. */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^bearer +([\w.~+/=-]{1,512})$/i.exec(request.headers.authorization?.trim() ?? "")?.[1];
}

/**
 * Closed by default (C15): a route is open only where it says so. A rejected token is told to nobody, the log included.
 *
 * @throws ProvostError `unauthenticated`, `forbidden`.
 */
export async function requireAccess(tokens: TokenDoor, request: FastifyRequest): Promise<void> {
  const access =
    request.routeOptions.config.access ??
    (request.method === "GET" || request.method === "HEAD" ? "viewer" : "operator");
  if (access === "open" || access === "callback") return;
  const token = bearerToken(request);
  const holder = token === undefined ? undefined : await tokens.verify(token);
  if (holder === undefined) {
    throw new ProvostError(
      "unauthenticated",
      `${request.headers.authorization === undefined ? "No token was sent" : "The token is not valid"}. Send "Authorization: Bearer <token>"; the admin token lies in the file admin-token in the server's data folder.`,
    );
  }
  if (!permits(holder.role, access)) {
    throw new ProvostError("forbidden", `The token "${holder.name}" is a ${holder.role}'s; this needs ${access}.`);
  }
}

export function permits(role: TokenRole, needed: TokenRole): boolean {
  return ranks[role] >= ranks[needed];
}
