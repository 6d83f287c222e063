import { timingSafeEqual } from "node:crypto";
import { csrfHeader, ProvostError } from "@provost/contract";
import type { FastifyRequest } from "fastify";

/**
 * Refuses what a browser sends for another page (C15). Browsers say where a request comes from by `Sec-Fetch-Site`, save over plain HTTP;
 * there `Origin` is held against the address that was asked. Programs send neither.
 *
 * @throws ProvostError `csrf_rejected`.
 */
export function refuseOtherSites({ headers, host }: FastifyRequest): void {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    throw rejected(`Another page has sent the request (Sec-Fetch-Site: ${site.slice(0, 20)}).`);
  }
  const { origin } = headers;
  if (origin === undefined || site === "same-origin" || URL.parse(origin)?.host === host) return;
  throw rejected(
    `The request comes from a page at ${origin.slice(0, 100)} and was sent to ${host.slice(0, 100)}. If a proxy stands between, have it pass the Host header on, or name its address in PROVOST_TRUST_PROXY.`,
  );
}

/**
 * What comes with a cookie and changes something carries what no other page can know.
 *
 * @throws ProvostError `csrf_rejected`.
 */
export function requireCsrf(request: FastifyRequest, csrf: string): void {
  refuseOtherSites(request);
  const given = request.headers[csrfHeader];
  if (typeof given === "string" && isEqual(given, csrf)) return;
  throw rejected(
    `The header ${csrfHeader} is ${given === undefined ? "missing" : "not the session's"}: GET /v1/session says it.`,
  );
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function rejected(detail: string): ProvostError {
  return new ProvostError("csrf_rejected", detail);
}
