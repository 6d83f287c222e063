import { ProvostError } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { stillAllowed } from "../access.ts";
import { lastEventId, openEventStream, streamsMax, type StreamTimes } from "../event-stream.ts";
import { StreamHub } from "../stream/hub.ts";
import { Watcher } from "../stream/watcher.ts";
import type { App } from "../zod-routes.ts";

const description = `Server-sent events, one connection for everything that a page shows; each message is an array.

- \`instance\`: events of all instances, each with the instance as it stands. \`id\` is a mark: with it as \`Last-Event-ID\` (or \`after\`) everything since is told, some of it perhaps twice: tell repetitions by \`seq\`.
- \`fleet\`, \`orphan\`, \`provider\`, \`image\` and, to admins, \`delivery\`: things as they stand, when that differs from what was told before. They are not continued: read them anew after each \`ready\`.
- \`ready\` comes first. \`reset\`: too much has happened since the mark; load everything anew, the stream goes on from here.

A storm comes in at most some ten messages a second.`;

/** All that changes, on one connection. */
export function streamRoute(app: App, control: ControlSurface, times: StreamTimes): void {
  const streams = new Streams(app, control, times);
  app.get(
    "/v1/stream",
    {
      schema: {
        summary: "Everything that changes, live",
        description,
        tags: ["Live"],
        produces: ["text/event-stream"],
        querystring: z.strictObject({
          after: z.coerce.number().int().min(0).optional().describe("A mark: everything since is told first"),
        }),
        response: { 200: z.string().describe("Messages") },
      },
    },
    (request, reply) => streams.serve(request, reply, lastEventId(request) ?? request.query.after),
  );
}

class Streams {
  readonly #control: ControlSurface;
  readonly #hub: StreamHub;
  readonly #open = new Map<Watcher, FastifyRequest>();

  constructor(app: App, control: ControlSurface, times: StreamTimes) {
    this.#control = control;
    this.#hub = new StreamHub(control.live, times, (error) =>
      app.log.warn({ err: error }, "the live stream broke off: the store could not be read"),
    );
    const unsubscribe = control.subscribe(() => this.#hub.hint());
    const heartbeat = setInterval(() => this.#beat(), times.heartbeatMs);
    const access = setInterval(() => void this.#checkAccess(), times.accessMs);
    app.addHook("preClose", (done) => {
      unsubscribe();
      clearInterval(heartbeat);
      clearInterval(access);
      this.#hub.close();
      done();
    });
  }

  async serve(request: FastifyRequest, reply: FastifyReply, after: number | undefined): Promise<void> {
    if (this.#hub.size >= streamsMax) {
      throw new ProvostError("server_unavailable", `${streamsMax} live streams are open already: close some.`);
    }
    const response = openEventStream(request, reply);
    // It says that it is there: what must be read for `ready` may take a moment.
    response.write("retry: 1000\n\n");
    try {
      await this.#hub.join((next) => {
        const watcher = new Watcher(response, request.holder?.role ?? "viewer", next);
        this.#open.set(watcher, request);
        response.once("close", () => this.#leave(watcher));
        return watcher;
      }, after);
    } catch (error) {
      request.log.warn({ err: error }, "a live stream could not begin");
      response.end();
    }
  }

  #leave(watcher: Watcher): void {
    this.#open.delete(watcher);
    this.#hub.leave(watcher);
  }

  #beat(): void {
    for (const watcher of this.#open.keys()) watcher.heartbeat();
  }

  /** A stream outlives its request: it ends soon after its token or session (C15). One question for each of these. */
  async #checkAccess(): Promise<void> {
    const asked = new Map<string, Promise<boolean>>();
    for (const [watcher, request] of this.#open) {
      const id = request.session?.id ?? request.holder?.id ?? "";
      const allowed = asked.get(id) ?? this.#isAllowed(request);
      asked.set(id, allowed);
      if (!(await allowed)) this.#hub.leave(watcher);
    }
  }

  async #isAllowed(request: FastifyRequest): Promise<boolean> {
    try {
      await stillAllowed(this.#control, request);
      return true;
    } catch (error) {
      request.log.info({ err: error }, "a live stream has ended");
      return false;
    }
  }
}
