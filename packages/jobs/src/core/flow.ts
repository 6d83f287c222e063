import { JobsError } from "./errors.ts";
import type { StagePolicy } from "./job.ts";
import { shown } from "./shown.ts";
import type { Unique } from "./unique.ts";
import { JobRequest, type InputArguments, type JobDefinition, type JobOptions } from "./request.ts";

/** What a stage is made of: a job with its input, a job that takes none, or a flow that starts with one job. */
export type Member = JobRequest | JobDefinition<undefined> | FlowBuilder;

/** Of one stage of a flow. */
export interface StageOptions {
  /** What the stage needs to pass (L6); `"all-processed"` by default. */
  policy?: StagePolicy;
}

/** Of the first stage, and of the flow as a whole. */
export interface FlowOptions extends StageOptions {
  /** While an unfinished job or flow holds this key no other is added, and with `{ key, for }` so long after its end (L17). */
  unique?: Unique;
}

export interface Stage {
  members: readonly (JobRequest | FlowBuilder)[];
  policy: StagePolicy;
}

/**
 * Jobs in stages (L6): the members of a stage run in parallel, the next stage starts when all of them have finished. Every
 * call gives a new flow and leaves the old one as it was.
 *
 * It is no promise, though it has a `then`: do not await it or return it bare from an async function (that is refused with
 * an error that says so).
 */
export class FlowBuilder {
  readonly stages: readonly Stage[];
  readonly unique: Unique | undefined;
  readonly failedRequest: JobRequest | undefined;

  constructor(stages: readonly Stage[], unique: Unique | undefined, failedRequest: JobRequest | undefined) {
    this.stages = stages;
    this.unique = unique;
    this.failedRequest = failedRequest;
  }

  /**
   * Adds a stage behind those there are.
   *
   * @throws JobsError `invalid_definition` for an empty stage or what is no member.
   */
  // oxlint-disable-next-line unicorn/no-thenable -- the field's word for "and after that"; a function argument is refused below
  then(members: Member | readonly Member[], options: StageOptions = {}): FlowBuilder {
    return new FlowBuilder([...this.stages, stage(members, options)], this.unique, this.failedRequest);
  }

  /** The job that is enqueued in the same act that ends the flow badly, whatever ended it (L6). */
  onFailed<Input>(job: JobDefinition<Input>, ...args: InputArguments<NoInfer<Input>>): FlowBuilder {
    return new FlowBuilder(this.stages, this.unique, job.with(...args));
  }
}

/**
 * Begins a flow with one job, or with members that run in parallel.
 *
 * ```ts
 * flow(create, { name: "web-1" })
 *   .then(awaitActive.with({ name: "web-1" }))
 *   .then([configure.with({ port: 80 }), backup.with({ keep: 3 })], { policy: "all-settled" })
 *   .onFailed(report, { name: "web-1" });
 * ```
 *
 * @throws JobsError `invalid_definition`, `invalid_options`.
 */
export function flow<Input>(
  job: JobDefinition<Input>,
  ...args: InputArguments<NoInfer<Input>, JobOptions & FlowOptions>
): FlowBuilder;
export function flow(members: Member | readonly Member[], options?: FlowOptions): FlowBuilder;
export function flow(first: Member | readonly Member[], ...args: [unknown?, (JobOptions & FlowOptions)?]): FlowBuilder {
  if (isDefinition(first)) {
    const { policy, unique, ...jobOptions } = args[1] ?? {};
    const request = new JobRequest(first, args[0], jobOptions);
    return new FlowBuilder([stage(request, policy === undefined ? {} : { policy })], unique, undefined);
  }
  const options = (args[0] ?? {}) as FlowOptions;
  return new FlowBuilder([stage(first, options)], options.unique, undefined);
}

function stage(members: Member | readonly Member[], options: StageOptions): Stage {
  const policy = options.policy ?? "all-processed";
  if (policy !== "all-processed" && policy !== "fail-fast" && policy !== "all-settled") {
    throw new JobsError(
      "invalid_options",
      `policy is ${shown(policy)}: give "all-processed", "fail-fast" or "all-settled"`,
    );
  }
  const list: readonly unknown[] = Array.isArray(members) ? members : [members];
  if (list.length === 0) {
    throw new JobsError("invalid_definition", "a stage of a flow has no members: give at least one job");
  }
  return { members: list.map(member), policy };
}

function member(value: unknown): JobRequest | FlowBuilder {
  if (value instanceof JobRequest || value instanceof FlowBuilder) return value;
  if (isDefinition(value)) return new JobRequest(value, undefined, {});
  throw new JobsError(
    "invalid_definition",
    typeof value === "function"
      ? "a flow was awaited, or returned from an async function: it is no promise; hand it over inside an object or array"
      : `a member of a flow is ${value === null ? "null" : typeof value}: give job.with(input), a job that takes no input, or a flow`,
  );
}

function isDefinition(value: unknown): value is JobDefinition {
  return typeof value === "object" && value !== null && "run" in value && "rules" in value;
}
