export type {
  Atomicity,
  AtomicityOptions,
  Permit,
  PermitWait,
  Semaphore,
  SemaphoreOptions,
  SemaphoreScope,
  SharedMemory,
} from "./core/atomicity.ts";
export { type Backoff, type ExponentialBackoff } from "./core/backoff.ts";
export type { FlowFailure, JobContext } from "./core/context.ts";
export type { DecayRule } from "./core/decay.ts";
export { defineJob, typed, type JobOfDefinition } from "./core/definition.ts";
export type { Directive, ReleaseOptions } from "./core/directive.ts";
export type { Duration } from "./core/duration.ts";
export { JobsError, jobsErrorCodes, type JobsErrorCode } from "./core/errors.ts";
export { flow, FlowBuilder, type FlowOptions, type Member, type StageOptions } from "./core/flow.ts";
export type * from "./core/job.ts";
export { defaults, limits } from "./core/limits.ts";
export type { FlowTree, JobNode, StageNode } from "./core/tree.ts";
export type { OnClash, Unique } from "./core/unique.ts";
export type { Holder, Reason } from "./core/why.ts";
export {
  defineSchedule,
  type ScheduleContext,
  type ScheduleDefinition,
  type ScheduleOptions,
  type ScheduleRules,
} from "./core/schedule.ts";
export type { QueueOptions, QueueSettings } from "./core/queue.ts";
export { JobRequest, type JobDefinition, type JobOptions } from "./core/request.ts";
export type { ManagerEvent } from "./manager/events.ts";
export { Queues } from "./manager/queues.ts";
export { Schedules } from "./manager/schedules.ts";
export type { EnqueuedFlow, EnqueuedJob } from "./manager/enqueued.ts";
export { JobManager, type InTransaction } from "./manager/manager.ts";
export type { JobManagerOptions } from "./manager/options.ts";
export type { Why } from "./manager/explainer.ts";
export type { EventName, EventOf, PublishedEvent } from "./manager/listeners.ts";
export { JobReader, type JobProgress, type WaitOptions } from "./manager/reader.ts";
export type { AttemptTrace } from "./manager/tracing.ts";
export type { MissedPolicy } from "./core/tick-plan.ts";
export { Histogram } from "./core/histogram.ts";
export { nextRuns, timingFrom, type Timing, type TimingOptions } from "./core/timing.ts";
export { timingWords } from "./core/timing-words.ts";
export type * from "./transporters/schedules.ts";
export type { PoolOptions } from "./processes/options.ts";
export type * from "./transporters/keeping.ts";
export type * from "./transporters/queues.ts";
export type * from "./transporters/browse.ts";
export type { LogLine, LogStore, NewLogLine } from "./transporters/logs.ts";
export type * from "./transporters/minutes.ts";
export type * from "./transporters/sight.ts";
export type {
  MemoryAnswer,
  MemoryCondition,
  MemoryOperation,
  MemoryResult,
  MemoryStore,
  PermitAnswer,
  PermitHolder,
  PermitLease,
  PermitRequest,
  PermitStore,
  ReleasedPermits,
  SeenTicket,
} from "./transporters/permits.ts";
export type * from "./transporters/transporter.ts";
