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

/** The readable reference of the API at `/reference`. Its script weighs 4 MB: loaded when the server starts, served from memory. */
export async function serveReference(app: App): Promise<void> {
  app.addHook("onRoute", (route) => {
    if (/^\/reference(\/|$)/.test(route.url)) route.config = { ...route.config, access: "open" };
  });
  app.get("/", { config: { access: "open" }, schema: { hide: true } }, (_request, reply) =>
    reply.redirect("/reference/"),
  );
  const { default: scalar } = await import("@scalar/fastify-api-reference");
  await app.register(scalar, {
    routePrefix: "/reference",
    logLevel: "silent",
    hooks: {
      onRequest: (_request, reply, done) => {
        void reply.header("content-security-policy", policy);
        done();
      },
    },
    configuration: {
      url: "/v1/openapi.json",
      pageTitle: "Provost API",
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      showDeveloperTools: "never",
      agent: { disabled: true },
      mcp: { disabled: true },
    },
  });
}
