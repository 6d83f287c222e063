import { z } from "zod";

/** Jobs of the job manager as the API, the command line and the page show them: the control plane's own, and any others in its store. */

/** `waiting`: its gate is closed; `delayed`: its time is ahead; `queued`: ready. The last three are final. */
export const jobStatuses = ["waiting", "delayed", "queued", "in_progress", "processed", "failed", "cancelled"] as const;
export type JobStatusName = (typeof jobStatuses)[number];

export const lanes = ["short", "long"] as const;

/** Decimal digits, ascending in the order of enqueueing. */
export const jobIdSchema = z.string().regex(/^[1-9]\d{0,17}$/, "digits, as a list of jobs has them");

const failureShort = z.object({
  code: z.string().describe("Stable; the code of the thrown error where it has one"),
  message: z.string().describe("Its first line, at most 300 characters"),
});

/** A line of a list: everything but what may be long. */
export const jobSchema = z.object({
  id: z.string(),
  name: z.string(),
  queue: z.string(),
  lane: z.enum(lanes),
  status: z.enum(jobStatuses),
  priority: z.number().int().describe("0–255, higher first; as decay has left it"),
  basePriority: z.number().int().describe("As given"),
  attempts: z.number().int().describe("The budget"),
  attemptsUsed: z.number().int(),
  createdAt: z.string(),
  readyAt: z.string().describe("When it becomes or became ready, the last time"),
  startedAt: z.string().optional().describe("Of the latest attempt that has begun"),
  finishedAt: z.string().optional(),
  process: z.string().optional().describe("Id of the process that has, or had, its latest attempt"),
  flowId: z.string().optional(),
  parentId: z.string().optional(),
  uniqueKey: z.string().optional(),
  wakeKey: z.string().optional(),
  limitKey: z.string().optional(),
  held: z.boolean().optional().describe("Held back by hand"),
  cancelRequested: z.boolean().optional().describe("It runs, and is asked to end"),
  failure: failureShort.optional(),
});
export type JobView = z.infer<typeof jobSchema>;

/** What a list of jobs can be narrowed by; several statuses with commas between. */
export const jobFilterFields = {
  status: z
    .string()
    .regex(/^[a-z_]+(,[a-z_]+)*$/)
    .optional()
    .describe(`One or more of ${jobStatuses.join(", ")}, with commas between; all when left out`),
  name: z.string().min(1).max(255).optional().describe("Of the jobs, exactly"),
  queue: z.string().min(1).max(255).optional(),
  priority: z.coerce.number().int().min(0).max(255).optional().describe("As it is now"),
  flow: jobIdSchema.optional().describe("Id of a flow: its jobs"),
} as const;
/** In a body. */
export const jobFilterSchema = z.strictObject({
  ...jobFilterFields,
  priority: z.number().int().min(0).max(255).optional(),
});
export type JobFilter = z.infer<typeof jobFilterSchema>;

/** How many there are of a status; `capped`: that many or more. */
const capped = z.object({ count: z.number().int(), capped: z.boolean().describe("There may be more than these") });
export const jobCountsSchema = z.object({
  waiting: capped,
  delayed: capped,
  queued: capped,
  in_progress: capped,
  processed: capped,
  failed: capped,
  cancelled: capped,
});
export type JobCounts = z.infer<typeof jobCountsSchema>;

/** Input and result: JSON, with secrets masked. */
const payloadSchema = z.object({
  bytes: z.number().int().describe("Of its JSON"),
  value: z.unknown().optional().describe("Absent above 64 KiB; what is named like a secret reads [secret]"),
});
export type PayloadView = z.infer<typeof payloadSchema>;

export const attemptCauses = ["released", "deferred", "error", "timeout", "crashed", "lost", "cancelled"] as const;

/** One ended attempt that was not `processed`. */
export const jobAttemptSchema = z.object({
  attempt: z.number().int().describe("From 1, in their order; deferred ones are counted here too"),
  fence: z.number().int().describe("Of the claim: tells attempts of one job apart"),
  cause: z.enum(attemptCauses).describe("Why it ended without being processed"),
  process: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  priorityBefore: z.number().int(),
  priorityAfter: z.number().int(),
  failure: failureShort.extend({ message: z.string(), stack: z.string().optional() }).optional(),
});
export type JobAttemptView = z.infer<typeof jobAttemptSchema>;

/** A stretch of a job's life. Between two attempts it is `delayed`, its time in the line included. */
const timelineSchema = z.object({
  status: z.enum(jobStatuses),
  from: z.string(),
  to: z.string().optional().describe("Absent where it lasts"),
  fence: z.number().int().optional().describe("Of an attempt: as in `attemptList`"),
  cause: z.enum(attemptCauses).optional().describe("How the attempt ended, where that was not `processed`"),
});

const priorityStep = z.object({
  at: z.string(),
  priority: z.number().int(),
  cause: z
    .enum(["given", "changed", ...attemptCauses])
    .describe("`given` at the start; `changed` by hand, at the latest then; else the end of an attempt, by decay"),
});

export const jobDetailSchema = jobSchema.extend({
  input: payloadSchema,
  result: payloadSchema.optional(),
  failure: failureShort
    .extend({ message: z.string(), stack: z.string().optional(), details: z.unknown().optional() })
    .optional(),
  crashes: z.number().int(),
  timeoutMs: z.number().int().describe("Of one attempt"),
  leaseUntil: z.string().optional().describe("While it runs: another process may take it afterwards"),
  gateForcedBy: z.string().optional().describe("Who forced its gate, and why"),
  progress: z.object({ value: z.unknown(), at: z.string() }).optional().describe("What its handler told last"),
  timeline: z.array(timelineSchema),
  attemptList: z.array(jobAttemptSchema).describe("Oldest first; the latest 1,000"),
  priorities: z.array(priorityStep).describe("Priority over time, oldest first: it holds until the next one"),
});
export type JobDetail = z.infer<typeof jobDetailSchema>;

/** A line that an attempt told, or that its process printed. */
export const jobLogSchema = z.object({
  seq: z.number().int().describe("Ascending"),
  at: z.string(),
  fence: z.number().int().describe("Of the attempt"),
  stream: z.enum(["log", "stdout", "stderr"]),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()).optional().describe("What is named like a secret reads [secret]"),
});
export type JobLogLine = z.infer<typeof jobLogSchema>;

/** A job that another one waits for. */
const holderSchema = z.object({
  id: z.string(),
  name: z.string(),
  status: z.enum(jobStatuses),
  attempt: z.number().int().describe("That runs or comes next"),
  attempts: z.number().int(),
  nextInMs: z.number().int().optional().describe("Of a delayed one"),
  held: z.boolean().optional(),
});

export const whyKinds = [
  "held",
  "gate",
  "parent",
  "on-failed",
  "delay",
  "paused",
  "limit",
  "no-worker",
  "line",
  "claimed",
  "running",
  "final",
] as const;

export const jobWhySchema = z.object({
  kind: z.enum(whyKinds),
  sentence: z.string().describe("To be read behind the job's name, without a full stop"),
  status: z.enum(jobStatuses),
  heldBy: z.array(holderSchema).describe("Of `gate` and `parent`: at most 10; else empty"),
  limits: z.array(z.string()).describe("Of `limit`: those that are reached"),
  queue: z.string(),
  process: z.string().optional().describe("Of `running` and `claimed`"),
  actions: z.array(z.enum(["run-now", "retry", "cancel", "unhold"])).describe("That would be taken now"),
});
export type JobWhy = z.infer<typeof jobWhySchema>;

const nodeFields = {
  id: z.string(),
  name: z.string(),
  status: z.enum(jobStatuses),
  queue: z.string(),
  priority: z.number().int(),
  attempts: z.number().int(),
  attemptsUsed: z.number().int(),
  createdAt: z.string(),
  readyAt: z.string(),
  startedAt: z.string().optional(),
  finishedAt: z.string().optional(),
  held: z.boolean().optional(),
  failure: failureShort.optional(),
};
const nodeFieldsSchema = z.object(nodeFields);
export const stagePolicies = ["all-processed", "fail-fast", "all-settled"] as const;
export const stageStates = ["waiting", "open", "passed", "failed", "blocked"] as const;
export interface FlowStageView {
  id: string;
  /** From 0, among the stages of its parent. */
  position: number;
  policy: (typeof stagePolicies)[number];
  state: (typeof stageStates)[number];
  /** Its own jobs, by status; those without any are left out. */
  counts: Partial<Record<JobStatusName, number>>;
  /** When the first of its jobs began, and the last ended; of those that did. */
  firstStartedAt?: string | undefined;
  lastFinishedAt?: string | undefined;
  jobs: FlowNodeView[];
  /** There are more than are listed here: `/flow/stages/<id>?after=<next>` lists all of them by id. */
  next?: string | undefined;
}
/** A job in the tree of its flow. */
export interface FlowNodeView extends z.infer<typeof nodeFieldsSchema> {
  stages: FlowStageView[];
}

export const flowStageSchema: z.ZodType<FlowStageView> = z.object({
  id: z.string(),
  position: z.number().int().describe("From 0, among the stages of its parent"),
  policy: z.enum(stagePolicies),
  state: z.enum(stageStates).describe("`blocked`: it can open no more"),
  counts: z.partialRecord(z.enum(jobStatuses), z.number().int()).describe("Its own jobs, by status"),
  firstStartedAt: z.string().optional(),
  lastFinishedAt: z.string().optional(),
  get jobs() {
    return z.array(flowNodeSchema).describe("At most 50: failed ones first, then what is under way, then by id");
  },
  next: z.string().optional().describe("There are more: /flow/stages/<id>?after=<next> lists all, by id"),
});
export const flowNodeSchema: z.ZodType<FlowNodeView> = z.object({
  ...nodeFields,
  stages: z.array(flowStageSchema).describe("Below it"),
});

export const flowStatuses = ["running", "processed", "failed", "cancelled"] as const;
export const jobFlowSchema = z.object({
  id: z.string(),
  status: z.enum(flowStatuses),
  jobs: z.number().int().describe("All of them, however many are listed here"),
  failedJobId: z.string().optional().describe("Whose end was decisive"),
  failure: failureShort.optional(),
  createdAt: z.string(),
  finishedAt: z.string().optional(),
  now: z.string().describe("By the store's clock: where bars that last end"),
  stages: z.array(flowStageSchema),
  onFailed: flowNodeSchema.optional().describe("What is, or would be, run when it fails"),
});
export type JobFlow = z.infer<typeof jobFlowSchema>;

/** `GET /v1/jobs/:id/flow/stages/:stage`: a page of one stage's jobs, by id; the stages below them without their jobs. */
export const flowPageSchema = z.object({ items: z.array(flowNodeSchema), next: z.string().optional() });
export type FlowPage = z.infer<typeof flowPageSchema>;
