import { ProvostError, sessionRequestSchema, sessionSchema } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { sessionCookieOf, sessionSecret } from "../cookies.ts";
import { refuseOtherSites } from "../same-site.ts";
import { SignInLimit, TooManyAttempts } from "../sign-in-limit.ts";
import type { App } from "../zod-routes.ts";

const tags = ["Session"];

/** At the page: a token is exchanged for a cookie that no script can read (C15). */
export function sessionRoutes(app: App, control: ControlSurface, basePath: string): void {
  signingIn(app, control, basePath);
  signedIn(app, control, basePath);
}

function signingIn(app: App, control: ControlSurface, basePath: string): void {
  const limit = new SignInLimit();
  app.post(
    "/v1/session",
    {
      // A token and nothing more: strangers can knock here.
      bodyLimit: 2_048,
      schema: {
        summary: "Sign in",
        description:
          "Exchanges a token for a session: the answer sets its cookie. A session ends with its token, after 12 hours without use and after 7 days. From one address ten may fail in five minutes (429, `retry-after`).",
        tags,
        security: [],
        body: sessionRequestSchema,
        response: { 200: sessionSchema },
      },
    },
    async (request, reply) => {
      refuseOtherSites(request);
      try {
        limit.begin(request.ip);
      } catch (error) {
        if (error instanceof TooManyAttempts) void reply.header("retry-after", String(error.retryAfterSeconds));
        throw error;
      }
      const opened = await control.sessions.open(request.body.token.trim(), request.id);
      if (opened === undefined) {
        request.log.warn({ address: request.ip }, "a sign-in was refused");
        throw new ProvostError(
          "unauthenticated",
          "The token is not valid, was revoked or has expired. The admin token lies in the file admin-token in the server's data folder.",
          { field: "token" },
        );
      }
      limit.succeeded(request.ip);
      const { secret, session } = opened;
      const lastsMs = Date.parse(session.expiresAt) - Date.parse(session.createdAt);
      return reply
        .header("set-cookie", sessionCookieOf(request, basePath, { secret, lastsMs }))
        .header("cache-control", "no-store")
        .send(session);
    },
  );
}

function signedIn(app: App, control: ControlSurface, basePath: string): void {
  app.get(
    "/v1/session",
    {
      schema: {
        summary: "Who is signed in",
        tags,
        security: [{ session: [] }],
        response: { 200: sessionSchema },
      },
    },
    async (request, reply) => {
      const secret = sessionSecret(request);
      const session = request.session === null || secret === undefined ? undefined : await control.sessions.get(secret);
      if (session === undefined) throw notFound();
      return reply.header("cache-control", "no-store").send(session);
    },
  );
  app.delete(
    "/v1/session",
    {
      schema: {
        summary: "Sign out",
        description: "The session opens nothing from this moment on.",
        tags,
        security: [{ session: [] }],
        response: { 204: { type: "null", description: "Done" } },
      },
    },
    async (request, reply) => {
      if (request.session === null) throw notFound();
      await control.sessions.close(request.session.id);
      return reply
        .header("set-cookie", sessionCookieOf(request, basePath, "gone"))
        .code(204)
        .send();
    },
  );
}

function notFound(): ProvostError {
  return new ProvostError("session_not_found", "The request came with a token, not with the cookie of a session.");
}
