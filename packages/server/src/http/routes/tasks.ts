import {
  backupSchema,
  instanceSchema,
  pageSchema,
  resizeRequestSchema,
  restoreRequestSchema,
  signalKinds,
  snapshotRequestSchema,
  taskRequestSchema,
  taskSchema,
  type SignalKind,
} from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import type { App } from "../zod-routes.ts";
import { after, idempotencyHeaders, idempotencyKey, instanceRef, limit, taskId } from "./parameters.ts";

const tags = ["Tasks"];
const answer = { 202: taskSchema };
const asked =
  "Answers with the task as soon as it is stored; it has ended when it has an `endedAt`. One task at a time: with another one under way it is refused (409), or waits where `ifBusy` says so. With an `Idempotency-Key` the same request gives the same task.";

const summaries: Record<SignalKind, string> = {
  boot: "Boot a stopped instance",
  reboot: "Reboot a running instance",
  shutdown: "Ask the instance to stop",
  "power-off": "Take the power away",
};

/** What is done to an instance that is there, and needs nothing else. */
export function signalRoutes(app: App, control: ControlSurface): void {
  for (const kind of signalKinds) {
    app.post(
      `/v1/instances/:ref/${kind}`,
      {
        schema: {
          summary: summaries[kind],
          description: asked,
          tags,
          params: instanceRef,
          headers: idempotencyHeaders,
          // A bare POST is enough.
          body: taskRequestSchema.nullish(),
          response: answer,
        },
      },
      async (request, reply) => {
        const options = { ...request.body, ...idempotencyKey(request.headers) };
        return reply.code(202).send(await control.tasks.ask(request.params.ref, { kind }, options));
      },
    );
  }
}

/** Resizes, snapshots and restores. */
export function taskRoutes(app: App, control: ControlSurface): void {
  const common = { description: asked, tags, params: instanceRef, headers: idempotencyHeaders, response: answer };
  app.post(
    "/v1/instances/:ref/resize",
    { schema: { ...common, summary: "Change the type of an instance", body: resizeRequestSchema } },
    async ({ params, headers, body: { type, ifBusy } }, reply) => {
      const options = { ifBusy, ...idempotencyKey(headers) };
      return reply.code(202).send(await control.tasks.ask(params.ref, { kind: "resize", type }, options));
    },
  );
  app.post(
    "/v1/instances/:ref/snapshot",
    { schema: { ...common, summary: "Take a backup now", body: snapshotRequestSchema.nullish() } },
    async ({ params, headers, body }, reply) => {
      const { label, ...rest } = body ?? {};
      const options = { ...rest, ...idempotencyKey(headers) };
      return reply.code(202).send(await control.tasks.ask(params.ref, { kind: "snapshot", label }, options));
    },
  );
  app.post(
    "/v1/instances/:ref/restore",
    { schema: { ...common, summary: "Put the disks back to a backup", body: restoreRequestSchema } },
    async ({ params, headers, body: { backup, ifBusy } }, reply) => {
      const options = { ifBusy, ...idempotencyKey(headers) };
      return reply.code(202).send(await control.tasks.ask(params.ref, { kind: "restore", backup }, options));
    },
  );
}

/** What became of tasks. */
export function taskRecordRoutes(app: App, control: ControlSurface): void {
  app.get(
    "/v1/instances/:ref/backups",
    {
      schema: {
        summary: "Backups of an instance at its provider, newest last",
        tags,
        params: instanceRef,
        response: { 200: z.object({ items: z.array(backupSchema) }) },
      },
    },
    (request) => control.tasks.backups(request.params.ref).then((items) => ({ items })),
  );
  app.get(
    "/v1/instances/:ref/tasks",
    {
      schema: {
        summary: "Tasks of an instance, newest first",
        tags,
        params: instanceRef,
        querystring: z.strictObject({ after, limit }),
        response: { 200: pageSchema(taskSchema) },
      },
    },
    ({ params, query: { after: last, ...query } }) =>
      control.tasks.list(params.ref, last === undefined ? query : { ...query, after: last }),
  );
  app.post(
    "/v1/tasks/:id/cancel",
    {
      schema: {
        summary: "Take a waiting task back",
        description:
          "What has begun is finished, and refused here (409). A deploy is cancelled by destroying its instance.",
        tags,
        params: taskId,
        response: { 200: taskSchema },
      },
    },
    (request) => control.tasks.cancel(request.params.id),
  );
  app.get(
    "/v1/tasks/:id",
    { schema: { summary: "One task", tags, params: taskId, response: { 200: taskSchema } } },
    (request) => control.tasks.get(request.params.id),
  );
}

/** What keeps an instance from being destroyed. */
export function protectionRoutes(app: App, control: ControlSurface): void {
  for (const action of ["protect", "unprotect"] as const) {
    app.post(
      `/v1/instances/:ref/${action}`,
      {
        schema: {
          summary: action === "protect" ? "Keep an instance from being destroyed" : "Let an instance be destroyed",
          tags: ["Instances"],
          params: instanceRef,
          response: { 200: instanceSchema },
        },
      },
      (request) => control.instances.protect(request.params.ref, action === "protect"),
    );
  }
}
