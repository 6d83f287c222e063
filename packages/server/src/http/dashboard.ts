import type { FastifyReply, FastifyRequest } from "fastify";
import { acceptedEncodings, Site, type SiteFile } from "../dashboard/site.ts";
import { noRoute, pathOf } from "./problems.ts";
import type { App } from "./zod-routes.ts";

/** Nothing of the page comes from anywhere else, nothing runs that is not in a file of the build, and no other page frames it (C15). */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

const missing = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Provost</title></head>
  <body>
    <h1>The dashboard is not built</h1>
    <p>The server runs, and its API and the command <code>provost</code> work. Its pages are made by</p>
    <pre>npm run build:dashboard</pre>
    <p>in the folder of Provost; then load this page again. <a href="BASE/reference/">The API's reference</a> is here.</p>
  </body>
</html>
`;

/**
 * The page: files of its build at their names, and the page itself at every other address that a browser goes to, since those
 * are its own. Programs that ask for `/` are led to the reference, as ever.
 */
export function serveDashboard(app: App, options: { folder: string; basePath: string }): void {
  const site = new Site(options.folder, options.basePath);
  const hidden = { schema: { hide: true } } as const;
  app.get("/", hidden, (request, reply) =>
    wantsPage(request) ? page(request, reply) : reply.redirect(`${options.basePath}/reference/`),
  );
  // Below /v1 there is nothing of the page, and nobody is told what there is not.
  app.get("/v1/*", hidden, (request) => {
    throw noRoute(request.method, request.url);
  });
  app.get("/*", hidden, (request, reply) => {
    const path = decoded(pathOf(request.url)).slice(1);
    const file = path === "index.html" ? undefined : site.file(path);
    if (file !== undefined) return send(file, request, reply);
    // Below the root only assets are files: addresses of the page have names in them, with dots (`/jobs/schedules/sweep.feeds`).
    const isFile = path.startsWith("assets/") || /^[^/]+\.\w{1,5}$/.test(path) || path.split("/").includes("..");
    if (isFile || !wantsPage(request)) throw noRoute(request.method, request.url);
    return page(request, reply);
  });

  function page(request: FastifyRequest, reply: FastifyReply): FastifyReply | Promise<FastifyReply> {
    const index = site.index();
    if (index !== undefined) return send(index, request, reply);
    return secured(reply)
      .code(503)
      .header("cache-control", "no-store")
      .type("text/html; charset=utf-8")
      .send(missing.replace("BASE", options.basePath));
  }
}

async function send(file: SiteFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  void secured(reply)
    .header("cache-control", file.hashed ? "public, max-age=31536000, immutable" : "no-cache")
    .header("etag", file.etag)
    .header("vary", "accept-encoding");
  if (request.headers["if-none-match"]?.includes(file.etag) === true) return reply.code(304).send();
  const accepted = acceptedEncodings(request.headers["accept-encoding"]);
  const { bytes, encoding } = await file.body(accepted);
  if (encoding !== undefined) void reply.header("content-encoding", encoding);
  return reply.type(file.type).send(bytes);
}

function secured(reply: FastifyReply): FastifyReply {
  return reply
    .header("content-security-policy", policy)
    .header("referrer-policy", "same-origin")
    .header("x-frame-options", "DENY");
}

function wantsPage(request: FastifyRequest): boolean {
  return /\btext\/html\b/.test(request.headers.accept ?? "");
}

/** As it is in the folder; what cannot be decoded is no file. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
