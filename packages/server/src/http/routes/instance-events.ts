import { eventListSchema, ProvostError, type InstanceEvent } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { stillAllowed } from "../access.ts";
import { EventStream, lastEventId, openEventStream, streamsMax, type StreamTimes } from "../event-stream.ts";
import type { App } from "../zod-routes.ts";
import { instanceRef, limit } from "./parameters.ts";

const tags = ["Instances"];
const batch = 200;

/** An instance's story: as a list, or live. */
export function instanceEventRoutes(app: App, control: ControlSurface, times: StreamTimes): void {
  const live = new LiveEvents(app, control, times);
  const after = z.coerce.number().int().min(0).default(0).describe("Only events with a greater `seq`");
  app.get(
    "/v1/instances/:ref/events",
    {
      schema: {
        summary: "Events of an instance, oldest first",
        description: "With `Accept: text/event-stream` the same as `/events/stream`.",
        tags,
        params: instanceRef,
        querystring: z.strictObject({ after, limit }),
        response: { 200: eventListSchema },
      },
    },
    async (request, reply) => {
      const { ref } = request.params;
      if (/\btext\/event-stream\b/.test(request.headers.accept ?? "")) {
        return live.serve(ref, request.query.after, request, reply);
      }
      return { items: await control.instances.events(ref, request.query) };
    },
  );
  app.get(
    "/v1/instances/:ref/events/stream",
    {
      schema: {
        summary: "Events of an instance, live",
        description: "Server-sent events; `id` is the `seq`. `Last-Event-ID` continues where a lost connection ended.",
        tags,
        produces: ["text/event-stream"],
        params: instanceRef,
        querystring: z.strictObject({ after }),
        response: { 200: z.string().describe("One event for each `data:` line, as in the list") },
      },
    },
    (request, reply) => live.serve(request.params.ref, request.query.after, request, reply),
  );
}

/** The open streams of one server, by instance. */
class LiveEvents {
  readonly #control: ControlSurface;
  readonly #times: StreamTimes;
  readonly #open = new Map<string, Set<EventStream<InstanceEvent>>>();
  #count = 0;

  constructor(app: App, control: ControlSurface, times: StreamTimes) {
    this.#control = control;
    this.#times = times;
    const unsubscribe = control.subscribe((event) => {
      for (const stream of this.#open.get(event.instanceId) ?? []) stream.hint();
    });
    app.addHook("preClose", (done) => {
      unsubscribe();
      for (const streams of this.#open.values()) for (const stream of streams) stream.close();
      done();
    });
  }

  /** Takes the response over. Refuses with problem+json what it can still refuse. */
  async serve(ref: string, after: number, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const start = lastEventId(request) ?? after;
    const { id } = await this.#control.instances.get(ref);
    if (this.#count >= streamsMax) {
      throw new ProvostError(
        "server_unavailable",
        `${streamsMax} event streams are open already: close some, or read the list.`,
      );
    }
    const response = openEventStream(request, reply);
    const stream = new EventStream<InstanceEvent>(
      response,
      async (seq) => {
        await stillAllowed(this.#control, request);
        return this.#control.instances.events(id, { after: seq, limit: batch });
      },
      start,
    );
    this.#add(id, stream);
    try {
      await stream.run(this.#times);
    } catch (error) {
      request.log.warn({ err: error, instance: id }, "an event stream broke off");
    } finally {
      this.#remove(id, stream);
    }
  }

  #add(id: string, stream: EventStream<InstanceEvent>): void {
    const streams = this.#open.get(id) ?? new Set();
    streams.add(stream);
    this.#open.set(id, streams);
    this.#count += 1;
  }

  #remove(id: string, stream: EventStream<InstanceEvent>): void {
    const streams = this.#open.get(id);
    if (streams?.delete(stream) !== true) return;
    this.#count -= 1;
    if (streams.size === 0) this.#open.delete(id);
  }
}
