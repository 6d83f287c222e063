import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { ControlSurface } from "@provost/control";
import Fastify from "fastify";
import type { Listener } from "../listener.ts";
import type { Logger } from "../log.ts";
import { requireAccess } from "./access.ts";
import { auditActions } from "./audit.ts";
import { streamTimes, type StreamTimes } from "./event-stream.ts";
import { documentApi } from "./openapi.ts";
import { addressPartMax, answerError, noRoute, pathOf, sendProblem } from "./problems.ts";
import { serveDashboard } from "./dashboard.ts";
import { serveReference } from "./reference.ts";
import { auditRoute } from "./routes/audit.ts";
import { callbackRoute } from "./routes/callbacks.ts";
import { fleetRoutes } from "./routes/fleets.ts";
import { orphanRoutes } from "./routes/orphans.ts";
import { healthRoute } from "./routes/health.ts";
import { jobActRoutes } from "./routes/job-acts.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { jobStreamRoute } from "./routes/jobs-stream.ts";
import { processRoutes } from "./routes/processes.ts";
import { queueRoutes } from "./routes/queues.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { imageRoutes } from "./routes/images.ts";
import { instanceEventRoutes } from "./routes/instance-events.ts";
import { instanceRoutes } from "./routes/instances.ts";
import { protectionRoutes, signalRoutes, taskRecordRoutes, taskRoutes } from "./routes/tasks.ts";
import { providerRoutes } from "./routes/providers.ts";
import { streamRoute } from "./routes/stream.ts";
import { systemRoute } from "./routes/system.ts";
import { sessionRoutes } from "./routes/session.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { webhookRoutes } from "./routes/webhooks.ts";
import { ruleOf } from "./route-rules.ts";
import { validate, type App, type ZodTypes } from "./zod-routes.ts";

export interface AppOptions {
  listener: Listener;
  control: ControlSurface;
  version: string;
  log: Logger;
  /** Everything is under it; without a slash at its end, empty for none. */
  basePath: string;
  /** Addresses and networks of proxies whose `x-forwarded-…` counts. */
  trustedProxies: readonly string[];
  /** Folder of the page's build. */
  dashboard: string;
  streams?: Partial<StreamTimes>;
}

/** Scripts and keys travel in deploys; 1 MB is far above what any provider takes as user data. */
const bodyBytesMax = 1024 * 1024;

/** The whole API on its listener. `close()` ends it, open streams first. */
export async function serveApi(options: AppOptions): Promise<App> {
  const app = bareApp(options);
  app.addHook("onRoute", ({ method, url }) => {
    for (const each of typeof method === "string" ? [method] : method) ruleOf(each, url);
  });
  const { basePath, dashboard } = options;
  app.addHook("onRequest", async (request, reply) => requireAccess(options.control, basePath, request, reply));
  auditActions(app, options.control.audit);
  await documentApi(app, options.version, basePath);
  healthRoute(app, options.control, options.version);
  callbackRoute(app, options.control);
  providerRoutes(app, options.control);
  systemRoute(app, options.control);
  sessionRoutes(app, options.control, basePath);
  tokenRoutes(app, options.control);
  auditRoute(app, options.control);
  webhookRoutes(app, options.control);
  orphanRoutes(app, options.control);
  imageRoutes(app, options.control);
  instanceRoutes(app, options.control);
  signalRoutes(app, options.control);
  taskRoutes(app, options.control);
  taskRecordRoutes(app, options.control);
  protectionRoutes(app, options.control);
  fleetRoutes(app, options.control);
  const streams = { ...streamTimes, ...options.streams };
  instanceEventRoutes(app, options.control, streams);
  streamRoute(app, options.control, streams);
  jobRoutes(app, options.control);
  jobActRoutes(app, options.control);
  jobStreamRoute(app, options.control, streams);
  queueRoutes(app, options.control);
  scheduleRoutes(app, options.control);
  processRoutes(app, options.control);
  serveReference(app, basePath);
  serveDashboard(app, { folder: dashboard, basePath });
  await app.ready();
  return app;
}

/** Callbacks and health only, for an address that instances reach: the API is not to be had there. */
export async function serveCallbacks(options: AppOptions): Promise<App> {
  const app = bareApp(options);
  healthRoute(app, options.control, options.version);
  callbackRoute(app, options.control);
  await app.ready();
  return app;
}

function bareApp({ listener, log, basePath, trustedProxies }: AppOptions): App {
  const app = Fastify({
    loggerInstance: log,
    logController: quietLog(),
    bodyLimit: bodyBytesMax,
    genReqId: requestId,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    rewriteUrl: ({ url = "/" }) => withoutBase(url, basePath),
    routerOptions: { maxParamLength: addressPartMax },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    serverFactory: (handler) => {
      listener.attach(handler);
      return listener.server;
    },
  }).withTypeProvider<ZodTypes>();
  app.decorateRequest("holder", null);
  app.decorateRequest("session", null);
  app.setValidatorCompiler(validate);
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) => sendProblem(reply, request, noRoute(request.method, request.url)));
  app.addHook("onRequest", async (request, reply) => {
    void reply.header("x-request-id", request.id).header("x-content-type-options", "nosniff");
  });
  app.addHook("onSend", async (_request, reply) => {
    const location = reply.getHeader("location");
    // Routes name their own paths.
    if (typeof location === "string" && location.startsWith("/v1/")) void reply.header("location", basePath + location);
  });
  app.addHook("onResponse", async (request, reply) => {
    if (reply.statusCode >= 400 || request.method !== "GET") {
      request.log.info(
        {
          method: request.method,
          path: pathOf(request.url),
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime),
        },
        "request",
      );
    }
  });
  return app;
}

/** A proxy in front may have taken the base path away already. */
function withoutBase(url: string, basePath: string): string {
  if (basePath === "" || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  return rest === "" ? "/" : rest.startsWith("/") ? rest : rest.startsWith("?") ? `/${rest}` : url;
}

/** Our own `onResponse` line says in one what the framework says in two; reads that went well are not worth a line. */
function quietLog(): InstanceType<typeof Fastify.LogController> {
  return new Fastify.LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" });
}

/** The caller's own id is taken when it is harmless, so that its logs and ours can be laid side by side. */
function requestId(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[\w.:-]{1,64}$/.test(given) ? given : `req-${randomUUID()}`;
}
