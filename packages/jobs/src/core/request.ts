import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Duration } from "./duration.ts";
import type { Lane, ProcessKind } from "./job.ts";
import type { OutcomeRules } from "./outcome.ts";
import type { Unique } from "./unique.ts";

/** What `defineJob` makes: everything about a job but its input. */
export interface JobDefinition<Input = unknown, Result = unknown> {
  readonly name: string;
  readonly queue: string;
  readonly lane: Lane;
  readonly priority: number;
  readonly attempts: number;
  readonly timeoutMs: number;
  readonly rules: OutcomeRules;
  readonly process: ProcessKind;
  /** URL of the module that exports it; always there where `process` is not `inline`. */
  readonly module: string | undefined;
  readonly schema: StandardSchemaV1 | undefined;
  /** Its type of input is erased, as the handler's is. */
  readonly limitKey: ((input: any) => string | undefined) | undefined;
  /** The handler, with the type of its context erased: `defineJob` has checked it, and processes call it. */
  readonly run: (context: any) => unknown;
  /** The job with its input, as a part of a flow or of `enqueueMany`. */
  with(...args: InputArguments<Input>): JobRequest;
  /** Carries the result's type; never there at run time. */
  readonly result?: Result;
}

/** Input may be left out where it may be undefined. */
export type InputArguments<Input, Options = JobOptions> = [undefined] extends [Input]
  ? [input?: Input, options?: Options]
  : [input: Input, options?: Options];

/** What can be said of one job as it is enqueued; the definition's holds for what is left out. */
export interface JobOptions {
  /** 0–255, **higher goes first** (L1). */
  priority?: number;
  /** Not before this has passed; in a flow counted from the opening of its stage. */
  after?: Duration;
  /** Not before this instant (a Date, or ms since 1970); not in a flow. */
  at?: Date | number;
  /**
   * While an unfinished job holds this key no other is added, and with `{ key, for }` so long after its end (L17); `onClash` says what
   * becomes of this one then. Not in a flow, which has a key of its own.
   */
  unique?: Unique;
  /** Wake key known from the start: a wake before the first release is not lost (L7). */
  wake?: string;
  /** What the queue's `keyConcurrency` counts by (L14); that of the definition by default. */
  limitKey?: string;
  /** The budget (L10). */
  attempts?: number;
  /** Of one attempt (L9). */
  timeout?: Duration;
}

/** A job with its input, not enqueued yet: made by `job.with(input, options)`. */
export class JobRequest {
  readonly definition: JobDefinition;
  readonly input: unknown;
  readonly options: JobOptions;

  constructor(definition: JobDefinition, input: unknown, options: JobOptions) {
    this.definition = definition;
    this.input = input;
    this.options = options;
  }
}
