import { z } from "zod";
import { orphanPolicies } from "./orphans.ts";
import { failureKinds, type FailureCode } from "./failures.ts";

/** Shapes of the HTTP API. Instants are ISO 8601 in UTC. */

const tagsMax = 20;
/** A letter first: no tag looks like an address. */
const tagPattern = /^[a-z](?:[a-z0-9._:/-]{0,38}[a-z0-9])?$/;
const tagRule = "1–40 characters: a–z, 0–9 and . _ : / - between, starting with a letter";
export const tagListSchema = z.array(z.string().regex(tagPattern, tagRule)).max(tagsMax);

/** 3–40 characters: leaves room for the suffix that makes it unique at the provider. */
export const namePattern = /^[a-z][a-z0-9-]{1,38}[a-z0-9]$/;
export const nameRule = "3–40 characters: a–z, 0–9 and -, starting with a letter, not ending with -";

export const stages = ["booting", "configuring", "ready"] as const;
export type Stage = (typeof stages)[number];

/** As people read it (CLOUD.md). */
export const instanceStatuses = [
  "requested",
  "creating",
  "provisioning",
  "provisioned",
  "running",
  "stopped",
  "booting",
  "rebooting",
  "stopping",
  "resizing",
  "snapshotting",
  "restoring",
  "destroying",
  "destroyed",
  "failed",
  "missing",
  "released",
] as const;
export type InstanceStatus = (typeof instanceStatuses)[number];

export const failureSchema = z.object({
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys forgets the keys of a constant
  code: z.enum(Object.keys(failureKinds) as [FailureCode, ...FailureCode[]]),
  step: z
    .string()
    .describe("Which step failed: create, await-active, await-ready, the first-boot step, or one of a task"),
  message: z.string(),
  whatToDo: z.string(),
  providerMessage: z.string().optional().describe("What the provider said, in its words"),
  providerRequestId: z.string().optional(),
  state: z.string().optional().describe("Of a task: how the instance stands now, in words"),
  exitCode: z.number().int().optional().describe("Of the first-boot script"),
  log: z.string().optional().describe("Last log lines from the instance"),
});
export type Failure = z.infer<typeof failureSchema>;

export const instanceSchema = z.object({
  id: z.string(),
  name: z.string(),
  provider: z.string(),
  status: z.enum(instanceStatuses),
  stage: z.enum(stages).optional().describe("The last stage the instance itself reported"),
  region: z.string(),
  type: z.string(),
  image: z.string(),
  providerId: z.string().optional(),
  providerName: z.string().describe("Its name at the provider"),
  observed: z.object({ status: z.string(), at: z.string() }).optional().describe("What the provider said, and when"),
  ipv4: z.array(z.string()),
  ipv6: z.array(z.string()),
  monthlyUsd: z.number().optional(),
  desired: z.enum(["running", "stopped", "destroyed"]).describe("What the user wants"),
  task: z
    .object({ kind: z.string(), id: z.string().optional().describe("See /v1/tasks; a deploy has none") })
    .optional()
    .describe("The work under way; one at a time"),
  protected: z.boolean().describe("It is not destroyed before it is unprotected"),
  tags: z.array(z.string()).describe("In the order of the alphabet; Provost's own, the provider does not know them"),
  costUsd: z.number().optional().describe("So far, as far as the prices tell; of what still stands"),
  waiting: z
    .discriminatedUnion("for", [
      z.object({
        for: z.literal("budget").describe("The provider's rate limit (C11)"),
        place: z.number().int().describe("In the line, from 1"),
        of: z.number().int().describe("How many stand in it"),
        since: z.string().optional(),
      }),
      z.object({
        for: z.literal("provider").describe("It has been failing, and is asked again by itself (C12)"),
        since: z.string().describe("Of the outage"),
        reason: z.string().optional().describe("Its last error"),
      }),
    ])
    .optional()
    .describe("What the task under way cannot go on without; no clock counts meanwhile"),
  builderOf: z.string().optional().describe("Id of the image that is made on it: it goes when that is done"),
  flowId: z.string().optional().describe("The job flow of the task under way or last done"),
  rootPassword: z.enum(["none", "sealed", "shown"]),
  failure: failureSchema.optional(),
  tombstone: z
    .object({
      billedSince: z.string(),
      costUsd: z.number().optional().describe("Estimated, until now; absent where the provider has no prices"),
      expiresAt: z
        .string()
        .describe("Decide by then: destroy it, release it or adopt it back. Nothing here does so by itself"),
    })
    .optional()
    .describe("A failed instance whose server still stands and is billed"),
  createdAt: z.string(),
  provisionedAt: z.string().optional(),
  archivedAt: z.string().optional(),
});
export type Instance = z.infer<typeof instanceSchema>;

/** One line of an instance's story; `seq` ascends and is the SSE id. */
export const instanceEventSchema = z.object({
  seq: z.number().int(),
  instanceId: z.string(),
  at: z.string(),
  kind: z.enum([
    "requested",
    "creating",
    "accepted",
    "adopted",
    "active",
    "stage",
    "provisioned",
    "failed",
    "destroying",
    "destroyed",
    "task_waiting",
    "task_started",
    "task_step",
    "task_done",
    "task_failed",
    "protected",
    "unprotected",
    "tagged",
    "changed",
    "missing",
    "returned",
    "released",
    "expired",
    "baking",
    "baked",
    "note",
  ]),
  message: z.string(),
  stage: z.enum(stages).optional(),
  taskId: z.string().optional().describe("The task that it tells of"),
  log: z.string().optional(),
});
export type InstanceEvent = z.infer<typeof instanceEventSchema>;

export const deployRequestSchema = z.strictObject({
  name: z.string(),
  provider: z.string().min(1),
  region: z.string().min(1).optional().describe("Default: the provider's default region"),
  type: z.string().min(1).optional().describe("Default: the provider's default type"),
  image: z.string().min(1).optional().describe("Default: the provider's golden image"),
  sshKeys: z.array(z.string()).max(32).default([]),
  script: z.string().optional().describe("Runs once at first boot, as root; begins with its interpreter line"),
  tags: tagListSchema.default([]),
});
export type DeployRequest = z.input<typeof deployRequestSchema>;

export const providerSchema = z.object({
  name: z.string(),
  driver: z.string(),
  endpoint: z.string().describe("Base URL or socket; never a credential"),
  defaults: z.object({ region: z.string().optional(), type: z.string().optional(), image: z.string().optional() }),
  callbackUrl: z.string().optional().describe("The address that its instances call, if not the server's own"),
  orphans: z.enum(orphanPolicies).describe("What is done by itself with servers that carry our tag and are not known"),
  createdAt: z.string(),
});
export type ProviderView = z.infer<typeof providerSchema>;

/** One provider with what it lets us do now (C11, C12). */
export const providerDetailSchema = providerSchema.extend({
  budgets: z
    .array(
      z.object({
        group: z.string().describe("What is counted together: create, collections, images, other"),
        limit: z.number().optional().describe("Calls in a window; absent before the provider has said"),
        left: z.number().optional().describe("Calls that may be made now"),
        windowMs: z.number(),
        resetAt: z.string().optional().describe("When all of them may be made again, if none is made until then"),
        waiting: z.number().int().describe("Instances in the line"),
        blockedUntil: z.string().optional().describe("The provider has asked for a pause (429)"),
      }),
    )
    .describe("Rate budgets, shared by all servers"),
  circuits: z
    .array(
      z.object({
        region: z.string().describe("Empty for calls that concern no region"),
        state: z
          .enum(["failing", "open", "half-open"])
          .describe("open: not asked for now; half-open: one call tries it"),
        since: z.string().describe("Of the outage"),
        lastError: z.object({ at: z.string(), code: z.string(), message: z.string() }).optional(),
      }),
    )
    .describe("Those that are not in order"),
  brake: z
    .object({ since: z.string(), until: z.string() })
    .optional()
    .describe("Too many instances look unwell at once: nothing is done about it until then, or until it is released"),
  check: z
    .object({
      at: z.string(),
      ok: z.boolean(),
      code: z.string().optional(),
      message: z.string().optional().describe("Why not"),
    })
    .optional()
    .describe("Of the credentials: when it was set up, or checked since"),
});
export type ProviderDetail = z.infer<typeof providerDetailSchema>;

export const providerRequestSchema = z.strictObject({
  name: z.string(),
  driver: z.string(),
  endpoint: z.string().min(1).optional(),
  token: z.string().min(1).optional().describe("Sealed at rest, never shown again"),
  options: z.record(z.string(), z.string()).default({}).describe("The driver's own: project, profiles, …"),
  defaults: z
    .strictObject({ region: z.string().optional(), type: z.string().optional(), image: z.string().optional() })
    .default({}),
  callbackUrl: z.url().optional(),
});
export type ProviderRequest = z.input<typeof providerRequestSchema>;

export const catalogSchema = z.object({
  asOf: z.string().describe("When the provider said so"),
  stale: z.string().optional().describe("Why it is older than it should be: the provider cannot be asked now"),
  regions: z.array(z.object({ id: z.string(), label: z.string() })),
  types: z.array(
    z.object({
      id: z.string(),
      label: z.string(),
      vcpus: z.number(),
      memoryMb: z.number(),
      diskGb: z.number().describe("0 where the disk is not divided into plans"),
      monthlyUsd: z.number().optional(),
      hourlyUsd: z.number().optional(),
      regionPrices: z
        .record(z.string(), z.object({ monthlyUsd: z.number(), hourlyUsd: z.number().optional() }))
        .optional()
        .describe("By region, where they differ"),
      soldOutIn: z.array(z.string()).optional().describe("Regions that do not have it now"),
    }),
  ),
  images: z.array(
    z.object({
      id: z.string(),
      label: z.string(),
      kind: z.enum(["golden", "public", "private"]),
      sizeMb: z.number().optional().describe("The disk that an instance of it needs at least"),
    }),
  ),
});
export type Catalog = z.infer<typeof catalogSchema>;

/** What an instance sends (C6). Bounded: a callback is the one door that strangers can knock at. */
export const callbackLimits = { bodyBytesMax: 16_384, logBytesMax: 8_192 } as const;
export const callbackSchema = z.discriminatedUnion("stage", [
  z.object({ stage: z.enum(stages), log: z.string().max(callbackLimits.logBytesMax).optional() }),
  z.object({
    stage: z.literal("failed"),
    step: z.string().max(64),
    exit_code: z.number().int().optional(),
    log: z.string().max(callbackLimits.logBytesMax).optional(),
  }),
]);
export type Callback = z.infer<typeof callbackSchema>;

/** RFC 9457, with our stable `code`. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  field: z.string().optional(),
  requestId: z.string().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

export const pageSchema = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    next: z.string().optional().describe("Hand it back as `after`; absent on the last page"),
  });

/** A page of any list. */
export interface Listed<T> {
  items: T[];
  next?: string;
}
