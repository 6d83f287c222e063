import swagger from "@fastify/swagger";
import {
  adoptRequestSchema,
  auditEntrySchema,
  backupSchema,
  bakeRequestSchema,
  callbackAnswerSchema,
  callbackSchema,
  csrfHeader,
  catalogSchema,
  createdTokenSchema,
  createdWebhookSchema,
  deliverySchema,
  deliveryWithBodySchema,
  deployRequestSchema,
  driverSchema,
  eventListSchema,
  failureSchema,
  fleetMemberSchema,
  fleetPreviewRequestSchema,
  fleetPreviewSchema,
  fleetRequestSchema,
  fleetSchema,
  flowNodeSchema,
  flowPageSchema,
  flowStageSchema,
  jobActRequestSchema,
  jobActResultSchema,
  jobCountsSchema,
  jobDetailSchema,
  jobFlowSchema,
  jobLogSchema,
  jobMoveRequestSchema,
  jobsActedSchema,
  jobsActPreviewRequestSchema,
  jobsActPreviewSchema,
  jobsActRequestSchema,
  jobSchema,
  jobsOverviewSchema,
  jobWhySchema,
  processDetailSchema,
  processSchema,
  queueChangeSchema,
  queueSchema,
  scheduleDetailSchema,
  scheduleRunSchema,
  scheduleSchema,
  scheduleTickSchema,
  healthSchema,
  imageSchema,
  instanceCountsSchema,
  instanceEventSchema,
  instanceLogSchema,
  instanceSchema,
  orphanPolicySchema,
  orphanSchema,
  problemSchema,
  providerDetailSchema,
  providerRequestSchema,
  providerSchema,
  resizeRequestSchema,
  restoreRequestSchema,
  rootPasswordSchema,
  snapshotRequestSchema,
  tagsRequestSchema,
  taskRequestSchema,
  taskSchema,
  sessionCookie,
  sessionRequestSchema,
  sessionSchema,
  sweepSchema,
  systemSchema,
  tokenRequestSchema,
  tokenSchema,
  webhookRequestSchema,
  webhookSchema,
} from "@provost/contract";
import { z } from "zod";
import { ruleOf } from "./route-rules.ts";
import type { App } from "./zod-routes.ts";

/** The schemas that have a name in the document; all others are written where they are used. */
const named = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries({
  AdoptRequest: adoptRequestSchema,
  AuditEntry: auditEntrySchema,
  Backup: backupSchema,
  BakeRequest: bakeRequestSchema,
  Callback: callbackSchema,
  CallbackAnswer: callbackAnswerSchema,
  Catalog: catalogSchema,
  CreatedToken: createdTokenSchema,
  CreatedWebhook: createdWebhookSchema,
  Delivery: deliverySchema,
  DeliveryWithBody: deliveryWithBodySchema,
  DeployRequest: deployRequestSchema,
  Driver: driverSchema,
  EventList: eventListSchema,
  Failure: failureSchema,
  Fleet: fleetSchema,
  FleetMember: fleetMemberSchema,
  FleetPreview: fleetPreviewSchema,
  FleetPreviewRequest: fleetPreviewRequestSchema,
  FleetRequest: fleetRequestSchema,
  FlowNode: flowNodeSchema,
  FlowPage: flowPageSchema,
  FlowStage: flowStageSchema,
  Health: healthSchema,
  Job: jobSchema,
  JobActRequest: jobActRequestSchema,
  JobActResult: jobActResultSchema,
  JobCounts: jobCountsSchema,
  JobDetail: jobDetailSchema,
  JobFlow: jobFlowSchema,
  JobLogLine: jobLogSchema,
  JobMoveRequest: jobMoveRequestSchema,
  JobsActed: jobsActedSchema,
  JobsActPreview: jobsActPreviewSchema,
  JobsActPreviewRequest: jobsActPreviewRequestSchema,
  JobsActRequest: jobsActRequestSchema,
  JobsOverview: jobsOverviewSchema,
  JobWhy: jobWhySchema,
  Process: processSchema,
  ProcessDetail: processDetailSchema,
  Queue: queueSchema,
  QueueChange: queueChangeSchema,
  Schedule: scheduleSchema,
  ScheduleDetail: scheduleDetailSchema,
  ScheduleRun: scheduleRunSchema,
  ScheduleTick: scheduleTickSchema,
  Image: imageSchema,
  Instance: instanceSchema,
  InstanceCounts: instanceCountsSchema,
  InstanceEvent: instanceEventSchema,
  InstanceLog: instanceLogSchema,
  Orphan: orphanSchema,
  OrphanPolicy: orphanPolicySchema,
  Problem: problemSchema,
  Provider: providerSchema,
  ProviderDetail: providerDetailSchema,
  ProviderRequest: providerRequestSchema,
  ResizeRequest: resizeRequestSchema,
  RestoreRequest: restoreRequestSchema,
  RootPassword: rootPasswordSchema,
  Session: sessionSchema,
  SessionRequest: sessionRequestSchema,
  SnapshotRequest: snapshotRequestSchema,
  Task: taskSchema,
  System: systemSchema,
  TagsRequest: tagsRequestSchema,
  TaskRequest: taskRequestSchema,
  Sweep: sweepSchema,
  Token: tokenSchema,
  TokenRequest: tokenRequestSchema,
  Webhook: webhookSchema,
  WebhookRequest: webhookRequestSchema,
})) {
  named.add(schema as z.ZodType, { id });
}

/** What a client sends: defaults make their fields optional there. */
const requests = new Set([
  "AdoptRequest",
  "Callback",
  "DeployRequest",
  "FleetPreviewRequest",
  "FleetRequest",
  "JobActRequest",
  "JobMoveRequest",
  "JobsActPreviewRequest",
  "JobsActRequest",
  "OrphanPolicy",
  "ProviderRequest",
  "QueueChange",
  "ResizeRequest",
  "RestoreRequest",
  "SessionRequest",
  "SnapshotRequest",
  "TagsRequest",
  "TaskRequest",
  "TokenRequest",
  "WebhookRequest",
]);
const componentPath = "#/components/schemas/";

const securitySchemes = {
  token: { type: "http", scheme: "bearer", description: "A token of Provost" },
  session: {
    type: "apiKey",
    in: "cookie",
    name: sessionCookie,
    description: `Of the page; what changes something brings the header ${csrfHeader} besides`,
  },
  instanceToken: { type: "http", scheme: "bearer", description: "The token of one deploy of one instance" },
} as const;

/** Serves OpenAPI 3.1 made from the routes' zod schemas. To be registered before the routes. */
export async function documentApi(app: App, version: string, basePath: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Provost API",
        version,
        description:
          "Deploys cloud servers and knows at every moment what state they are in. Every call but the open ones needs `Authorization: Bearer <token>`; the admin token lies in the file `admin-token` in the server's data folder. Errors are `application/problem+json` with a stable `code`, listed in docs/errors.md.",
      },
      servers: [{ url: basePath === "" ? "/" : basePath, description: "This server" }],
      components: { securitySchemes },
      security: [{ token: [] }, { session: [] }],
    },
    transform: ({ schema, url, route }) => ({
      schema: schema === undefined ? { hide: true } : { ...asJsonSchemas(schema), ...roleOf(route.method, url) },
      url,
    }),
  });
  app.get("/v1/openapi.json", { schema: { hide: true } }, () => finished(app.swagger()));
}

/** Who may call it, for readers of the document. */
function roleOf(method: string | string[], url: string): object {
  return typeof method === "string" ? { "x-provost-role": ruleOf(method, url).who } : {};
}

function components(): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const io of ["input", "output"] as const) {
    const { schemas } = z.toJSONSchema(named, { io, uri: (id) => `${componentPath}${id}` });
    for (const [id, schema] of Object.entries(schemas)) {
      if (requests.has(id) !== (io === "input")) continue;
      const { $schema: _schema, $id: _id, ...rest } = schema as Record<string, unknown>;
      made[id] = rest;
    }
  }
  return made;
}

/** Swagger resolves every `$ref` it meets; ours travel past it under this key until the document is whole. */
const referenceKey = "x-provost-component";

function asJsonSchemas(schema: object): object {
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]: [string, unknown]) => [
      key,
      key === "response" ? responses(value) : value instanceof z.ZodType ? jsonSchema(value, "input") : value,
    ]),
  );
}

function responses(byStatus: unknown): object {
  return Object.fromEntries(
    Object.entries(byStatus ?? {}).map(([status, body]: [string, unknown]) => [
      status,
      body instanceof z.ZodType ? { description: "Done", ...jsonSchema(body, "output") } : body,
    ]),
  );
}

function jsonSchema(schema: z.ZodType, io: "input" | "output"): object {
  const id = named.get(schema)?.id;
  if (id !== undefined) return { type: "object", [referenceKey]: id };
  const { $schema: _schema, $defs: _defs, ...made } = z.toJSONSchema(schema, { io, metadata: named });
  return JSON.parse(JSON.stringify(made), (_key, value: unknown) => {
    const reference = referenceIn(value, "$ref");
    return reference === undefined ? value : { type: "object", [referenceKey]: reference.split("/").at(-1) };
  });
}

/** The document as it is served: names are references again, and what they name is there. */
function finished(document: object): object {
  const whole: object = JSON.parse(JSON.stringify(document), (_key, value: unknown) => {
    const id = referenceIn(value, referenceKey);
    return id === undefined ? value : { $ref: `${componentPath}${id}` };
  });
  return { ...whole, components: { securitySchemes, schemas: components() } };
}

function referenceIn(value: unknown, key: string): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const reference: unknown = Reflect.get(value, key);
  return typeof reference === "string" ? reference : undefined;
}
