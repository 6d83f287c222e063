import type { StandardSchemaV1 } from "@standard-schema/spec";
import { backoffRule, type Backoff } from "./backoff.ts";
import { checkedAttempts, checkedKey, checkedLane, checkedPriority, checkedTimeout } from "./bounds.ts";
import type { JobContext } from "./context.ts";
import { steadyDecay, type DecayRule } from "./decay.ts";
import type { Directive } from "./directive.ts";
import type { Duration } from "./duration.ts";
import { JobsError } from "./errors.ts";
import type { Lane, ProcessKind } from "./job.ts";
import { defaults } from "./limits.ts";
import { shown } from "./shown.ts";
import { JobRequest, type JobDefinition, type JobOptions } from "./request.ts";

/** What `defineJob` takes besides the name; every part but `run` has a default. */
export interface JobOfDefinition<Schema extends StandardSchemaV1, Returned> {
  /** Any Standard Schema (zod, valibot, arktype …): checked at enqueue and again before each attempt. */
  input?: Schema;
  /** `"default"`. */
  queue?: string;
  /** `"short"`; give `"long"` to what runs for hours (L8). */
  lane?: Lane;
  /** 0–255, 100 by default. **Higher goes first** (L1). */
  priority?: number;
  /** The budget (L10); 30 by default. Releases use it too. */
  attempts?: number;
  /** Wait after an error; 1 s doubling to 5 min by default. */
  backoff?: Backoff;
  /** Of one attempt; 60 s in the short lane, 6 h in the long one by default (L9). */
  timeout?: Duration;
  /**
   * Where it runs: `"inline"` (this event loop, the default), `"thread"` or `"process"`, each with a memory and a loop of
   * its own (L9). The latter two need `module`.
   */
  process?: ProcessKind;
  /**
   * `import.meta.url` of the module that exports this definition: a closure cannot cross to another thread or process, so
   * the module is loaded there. It should do nothing but define jobs.
   */
  module?: string;
  /** What the queue's `keyConcurrency` counts by, made of the input as it is enqueued: `({ account }) => account` (L14). */
  limitKey?: (input: StandardSchemaV1.InferInput<Schema>) => string | undefined;
  /** The job's own rule for L4. */
  decay?: DecayRule;
  /** Does the work. Execution is at least once (L3): see `fence` and `idempotencyKey`. */
  run: (context: JobContext<StandardSchemaV1.InferOutput<Schema>>) => Returned;
}

/** Jobs without a schema take no input. */
export type NoInput = StandardSchemaV1<undefined, undefined>;

/**
 * Defines a job: its name, its input, and what runs it. The types of input and result are inferred.
 *
 * @throws JobsError `invalid_definition` or `invalid_options` with the value that is out of bounds.
 */
export function defineJob<Returned, Schema extends StandardSchemaV1 = NoInput>(
  name: string,
  definition: JobOfDefinition<Schema, Returned>,
): JobDefinition<StandardSchemaV1.InferInput<Schema>, Exclude<Awaited<Returned>, Directive>>;
export function defineJob(name: string, definition: JobOfDefinition<StandardSchemaV1, unknown>): JobDefinition {
  checkedKey(name, "job name", "invalid_definition");
  if (typeof definition.run !== "function") {
    throw new JobsError("invalid_definition", `job ${JSON.stringify(name)} has no run(): give it a function`);
  }
  const lane = checkedLane(definition.lane ?? defaults.lane);
  const defined: JobDefinition = {
    name,
    queue: checkedKey(definition.queue ?? defaults.queue, `queue of job ${JSON.stringify(name)}`, "invalid_definition"),
    lane,
    priority: checkedPriority(definition.priority ?? defaults.priority, "invalid_definition"),
    attempts: checkedAttempts(definition.attempts ?? defaults.attempts, "invalid_definition"),
    timeoutMs: checkedTimeout(definition.timeout ?? defaults.timeoutMs[lane]),
    ...checkedProcess(name, definition),
    rules: { decay: definition.decay ?? steadyDecay, backoff: backoffRule(definition.backoff) },
    schema: checkedSchema(name, definition.input),
    limitKey: definition.limitKey,
    run: definition.run,
    with: (...args: [input?: unknown, options?: JobOptions]) => new JobRequest(defined, args[0], args[1] ?? {}),
  };
  return Object.freeze(defined);
}

/** An input that only the compiler checks: `input: typed<{ name: string }>()`. */
export function typed<T>(): StandardSchemaV1<T, T>;
export function typed(): StandardSchemaV1 {
  return { "~standard": { version: 1, vendor: "provost", validate: (value) => ({ value }) } };
}

function checkedProcess(
  name: string,
  { process = "inline", module }: { process?: ProcessKind; module?: string },
): Pick<JobDefinition, "process" | "module"> {
  if (process !== "inline" && process !== "thread" && process !== "process") {
    throw new JobsError(
      "invalid_definition",
      `process of job ${JSON.stringify(name)} is ${shown(process)}: give "inline", "thread" or "process"`,
    );
  }
  if (module !== undefined && !URL.canParse(module)) {
    throw new JobsError(
      "invalid_definition",
      `module of job ${JSON.stringify(name)} is ${shown(module)}: give import.meta.url`,
    );
  }
  if (process !== "inline" && module === undefined) {
    throw new JobsError(
      "invalid_definition",
      `job ${JSON.stringify(name)} runs in a ${process} and names no module: give module: import.meta.url, and export it there`,
    );
  }
  return { process, module };
}

function checkedSchema(name: string, schema: StandardSchemaV1 | undefined): StandardSchemaV1 | undefined {
  if (schema === undefined || typeof schema["~standard"]?.validate === "function") return schema;
  throw new JobsError(
    "invalid_definition",
    `input of job ${JSON.stringify(name)} is no Standard Schema: give a zod, valibot or arktype schema, or typed<T>()`,
  );
}
