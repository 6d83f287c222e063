import type { NewFlow, NewJob } from "../transporters/transporter.ts";
import { JobsError } from "./errors.ts";
import { FlowBuilder } from "./flow.ts";
import { limits } from "./limits.ts";
import type { JobRequest } from "./request.ts";
import { uniqueOfFlow } from "./unique.ts";

/** A flow's tree, flat, with its requests not yet checked: parents before children, stages in order. */
export interface FlatFlow {
  requests: { request: JobRequest; stage: number }[];
  stages: NewFlow["stages"];
}

/**
 * Lays a flow out as `NewFlow` has it.
 *
 * @throws JobsError `flow_too_large`, `flow_too_deep`, `invalid_definition` for nested flows that start with more than one
 *   job or have an `onFailed` or unique key of their own, `invalid_options` for members with `unique` or `at`.
 */
export function flattened(flow: FlowBuilder): FlatFlow {
  const flat: FlatFlow = { requests: [], stages: [] };
  addStages(flat, flow.stages, undefined, 1);
  return flat;
}

/** The flow as a Transporter takes it; `prepare` checks one request and fills in its defaults. */
export async function newFlow(
  flow: FlowBuilder,
  prepare: (request: JobRequest) => NewJob | Promise<NewJob>,
): Promise<NewFlow> {
  const flat = flattened(flow);
  const jobs: NewFlow["jobs"] = [];
  for (const { request, stage } of flat.requests) jobs.push({ ...(await prepare(request)), stage });
  if (flow.failedRequest !== undefined) refuseOwnTimes(flow.failedRequest);
  return {
    jobs,
    stages: flat.stages,
    ...(flow.failedRequest === undefined ? {} : { onFailed: await prepare(flow.failedRequest) }),
    ...uniqueOfFlow(flow.unique),
  };
}

function addStages(flat: FlatFlow, stages: FlowBuilder["stages"], parent: number | undefined, depth: number): void {
  if (depth > limits.flowDepthMax) {
    throw new JobsError(
      "flow_too_deep",
      `the flow has more than ${limits.flowDepthMax} levels (limits.flowDepthMax): ` +
        "put stages behind one another instead of inside one another",
    );
  }
  for (const { members, policy } of stages) {
    const stage = flat.stages.push(parent === undefined ? { policy } : { parent, policy }) - 1;
    for (const member of members) {
      if (member instanceof FlowBuilder) addNested(flat, member, stage, depth);
      else addRequest(flat, member, stage);
    }
  }
}

/** A nested flow is its first job; its later stages are that job's children (L6). */
function addNested(flat: FlatFlow, nested: FlowBuilder, stage: number, depth: number): void {
  if (nested.failedRequest !== undefined || nested.unique !== undefined) {
    throw new JobsError(
      "invalid_definition",
      `a flow inside a flow has ${nested.failedRequest === undefined ? "a unique key" : "an onFailed job"}: ` +
        "only the outermost flow can have one",
    );
  }
  const [first, ...later] = nested.stages;
  const root = first?.members.length === 1 ? first.members[0] : undefined;
  if (root === undefined || first?.policy !== "all-processed") {
    throw new JobsError(
      "invalid_definition",
      `a flow inside a flow starts with ${first?.members.length ?? 0} jobs under ${first?.policy ?? "no policy"}: ` +
        "start it with one job and no policy; the others are its children",
    );
  }
  if (root instanceof FlowBuilder) {
    addNested(flat, new FlowBuilder([...root.stages, ...later], root.unique, root.failedRequest), stage, depth);
    return;
  }
  const parent = addRequest(flat, root, stage);
  addStages(flat, later, parent, depth + 1);
}

function addRequest(flat: FlatFlow, request: JobRequest, stage: number): number {
  refuseOwnTimes(request);
  if (flat.requests.length >= limits.flowJobsMax) {
    throw new JobsError(
      "flow_too_large",
      `the flow has more than ${limits.flowJobsMax} jobs (limits.flowJobsMax): split it into several flows`,
    );
  }
  return flat.requests.push({ request, stage }) - 1;
}

function refuseOwnTimes(request: JobRequest): void {
  const refused = request.options.unique !== undefined ? "unique" : request.options.at !== undefined ? "at" : undefined;
  if (refused === undefined) return;
  throw new JobsError(
    "invalid_options",
    `job ${JSON.stringify(request.definition.name)} has ${refused} inside a flow: ` +
      (refused === "unique" ? "give it to the flow" : "give after, which is counted from its stage's opening"),
  );
}
