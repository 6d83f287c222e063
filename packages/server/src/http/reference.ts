import Fastify, { type FastifyInstance } from "fastify";
import { noRoute, sendProblem } from "./problems.ts";
import type { App } from "./zod-routes.ts";

/**
 * No request may leave for another host: the page's script comes from this server, and this policy holds the browser to
 * it. The script of the page needs inline styles and `eval`; images and fonts may be inline.
 */
const policy = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join("; ");

/**
 * The readable reference of the API at `/reference`. Its script takes 40 MB of memory once loaded, so the
 * page is an app of its own that is made when the first reader comes.
 */
export function serveReference(app: App, basePath: string): void {
  let pages: Promise<FastifyInstance> | undefined;
  const open = { schema: { hide: true } } as const;
  app.get("/reference", open, (_request, reply) => reply.redirect(`${basePath}/reference/`));
  app.get("/reference/*", open, async (request, reply) => {
    pages ??= referencePages(basePath);
    const made = await pages;
    void reply.hijack();
    made.routing(request.raw, reply.raw);
  });
  app.addHook("onClose", async () => (await pages)?.close());
}

async function referencePages(basePath: string): Promise<FastifyInstance> {
  const { default: scalar } = await import("@scalar/fastify-api-reference");
  const pages = Fastify({ logger: false });
  pages.addHook("onRequest", (_request, reply, done) => {
    void reply.header("content-security-policy", policy).header("x-content-type-options", "nosniff");
    done();
  });
  pages.setNotFoundHandler((request, reply) => sendProblem(reply, request, noRoute(request.method, request.url)));
  await pages.register(scalar, {
    routePrefix: "/reference",
    configuration: {
      url: `${basePath}/v1/openapi.json`,
      pageTitle: "Provost API",
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      showDeveloperTools: "never",
      agent: { disabled: true },
      mcp: { disabled: true },
    },
  });
  await pages.ready();
  return pages;
}
