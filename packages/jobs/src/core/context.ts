import type { Atomicity } from "./atomicity.ts";
import type { Directive, ReleaseOptions } from "./directive.ts";
import type { FlowBuilder } from "./flow.ts";
import type { JobFailure, JobId } from "./job.ts";
import type { JobDefinition, JobRequest } from "./request.ts";

/**
 * What a handler gets. All functions can be taken out of it: `run({ input, release }) {…}`. Semaphores and shared memory (L12) too:
 * waiting for a permit ends with the job's signal.
 */
export interface JobContext<Input> extends Atomicity {
  /** As its schema gives it; without a schema, as it was enqueued. `undefined` when nothing (or `null`) was. */
  readonly input: Input;
  readonly jobId: JobId;
  readonly name: string;
  /** Of jobs in a flow, its `onFailed` job included. */
  readonly flowId: JobId | undefined;
  /** Aborted at the timeout, on cancel, when the manager stops, and before a lease ends that cannot be renewed (L3, L9). */
  readonly signal: AbortSignal;
  /** Grows with each claim: pass it outward where the other side can refuse an older one (L3). */
  readonly fence: number;
  /** The same for every attempt of the job: pass it to calls that must take effect once (L3). */
  readonly idempotencyKey: string;
  /** Number of this attempt, from 1; a deferred one does not count. */
  readonly attempt: number;
  /** Attempts left after this one. */
  readonly attemptsLeft: number;
  /** `return release({ after, wake })`: not done yet, come back. Costs an attempt; the slot is free meanwhile (L7). */
  readonly release: (options: ReleaseOptions) => Directive;
  /** `return defer({ after })`: could not even try. Costs nothing (L4). */
  readonly defer: (options: ReleaseOptions) => Directive;
  /** `return fail(error)`: no further attempt will help. The job is failed with this error (L10). */
  readonly fail: (error: unknown) => Directive;
  /**
   * Adds a job or flow in the same act that makes this job `processed`; never when it ends otherwise. Its promise tells
   * wrong input; the attempt waits for it in any case.
   */
  readonly enqueue: (item: JobRequest | FlowBuilder) => Promise<void>;
  /** For `onFailed` jobs: what ended their flow. `undefined` outside a flow, or while the flow has no failure. */
  readonly flowFailure: () => Promise<FlowFailure | undefined>;
  /**
   * Results of processed jobs of this flow that are of this kind, in the order of the flow: what earlier stages have found out.
   * Empty outside a flow.
   */
  readonly resultsOf: <Result>(job: JobDefinition<any, Result>) => Promise<Result[]>;
  /**
   * Says how far it is: JSON of at most `limits.progressBytesMax`, for `manager.progress(id)`. May be called at any rate: the
   * latest value is stored, twice a second at most.
   */
  readonly progress: (value: unknown) => void;
  /** Tells the manager's log; takes no secrets. */
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** What ended a flow badly, for its `onFailed` job (L6). */
export interface FlowFailure {
  status: "failed" | "cancelled";
  failure: JobFailure;
  /** The job whose failure or cancel was decisive. */
  jobId: JobId | undefined;
}
