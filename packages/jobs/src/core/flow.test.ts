import * as fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import type { NewJob } from "../transporters/transporter.ts";
import { defineJob, typed } from "./definition.ts";
import { flattened, newFlow } from "./flatten.ts";
import { flow, type FlowBuilder } from "./flow.ts";
import { limits } from "./limits.ts";
import { newJob } from "./prepare.ts";
import type { JobDefinition, JobRequest } from "./request.ts";

const create = defineJob("create", { input: typed<{ name: string }>(), run: () => ({ id: 1 }) });
const plain = defineJob("plain", { run() {} });
const prepare = async (request: JobRequest): Promise<NewJob> => await newJob(request, () => Promise.resolve(0));
const shape = (builder: FlowBuilder): { jobs: [string, number][]; stages: unknown[] } => {
  const { requests, stages } = flattened(builder);
  return { jobs: requests.map(({ request, stage }) => [request.definition.name, stage]), stages };
};

describe("L6 the flow builder", () => {
  test("stages at the top, in order, with their policies", () => {
    const built = flow(create, { name: "web-1" })
      .then(plain)
      .then([plain.with(), create.with({ name: "b" })], { policy: "fail-fast" });
    expect(shape(built)).toEqual({
      jobs: [
        ["create", 0],
        ["plain", 1],
        ["plain", 2],
        ["create", 2],
      ],
      stages: [{ policy: "all-processed" }, { policy: "all-processed" }, { policy: "fail-fast" }],
    });
  });

  test("a nested flow is its first job; its later stages are that job's children", () => {
    const built = flow([plain, flow(plain).then([plain, flow(create, { name: "x" }).then(plain)])]).then(plain);
    expect(shape(built)).toEqual({
      jobs: [
        ["plain", 0],
        ["plain", 0],
        ["plain", 1],
        ["create", 1],
        ["plain", 2],
        ["plain", 3],
      ],
      stages: [
        { policy: "all-processed" },
        { parent: 1, policy: "all-processed" },
        { parent: 3, policy: "all-processed" },
        { policy: "all-processed" },
      ],
    });
  });

  test("any tree: parents stand before their children, stages of one parent in order, nothing is lost", () => {
    const { tree } = fc.letrec<{ tree: FlowBuilder }>((tie) => ({
      tree: fc
        .array(
          fc.array(fc.oneof({ maxDepth: 3 }, fc.constant(plain.with()), tie("tree")), { minLength: 1, maxLength: 3 }),
          {
            maxLength: 3,
          },
        )
        .map((stages) => stages.reduce<FlowBuilder>((built, members) => built.then(members), flow(plain))),
    }));
    const size = (built: FlowBuilder): number =>
      built.stages
        .flatMap(({ members }) => members)
        .reduce((sum, member) => sum + ("stages" in member ? size(member) : 1), 0);
    fc.assert(
      fc.property(tree, (built) => {
        const { requests, stages } = flattened(built);
        expect(requests.length).toBe(size(built));
        for (const [index, { stage }] of requests.entries()) expect(stages[stage]?.parent ?? -1).toBeLessThan(index);
      }),
      { numRuns: 100 },
    );
  });

  test("builders are values: adding a stage leaves the flow it was added to as it was", () => {
    const base = flow(plain);
    base.then(plain);
    expect(base.stages).toHaveLength(1);
  });

  test("onFailed, unique and the defaults of members reach the Transporter's form", async () => {
    const built = flow(create, { name: "web-1" }, { unique: "deploy:web-1", priority: 200, after: "1s" }).onFailed(
      plain,
    );
    await expect(newFlow(built, prepare)).resolves.toMatchObject({
      jobs: [{ name: "create", input: '{"name":"web-1"}', priority: 200, delayMs: 1_000, attempts: 30, stage: 0 }],
      onFailed: { name: "plain", input: "null" },
      uniqueKey: "deploy:web-1",
    });
  });

  test("a flow that is awaited says what is wrong instead of hanging", async () => {
    await expect(Promise.resolve(wrong(flow(plain)))).rejects.toThrow(
      "a flow was awaited, or returned from an async function",
    );
  });

  test.each<[string, () => unknown, string]>([
    ["an empty stage", () => flow(plain).then([]), "has no members"],
    ["a member that is none", () => flow(plain).then(wrong(7)), "a member of a flow is number"],
    ["a policy that is none", () => flow(plain).then(plain, { policy: wrong("none") }), 'policy is "none"'],
    [
      "unique on a member",
      () => flattened(flow(plain).then(plain.with(undefined, { unique: "k" }))),
      "unique inside a flow",
    ],
    ["at on a member", () => flattened(flow(plain).then(plain.with(undefined, { at: 1 }))), "at inside a flow"],
    ["nested with two roots", () => flattened(flow(plain).then(flow([plain, plain]))), "starts with 2 jobs"],
    ["nested with onFailed", () => flattened(flow(plain).then(flow(plain).onFailed(plain))), "has an onFailed job"],
    [
      "nested with unique",
      () => flattened(flow(plain).then(flow(plain, undefined, { unique: "k" }))),
      "has a unique key",
    ],
  ])("%s is refused with the way out", (_, build, message) => {
    expect(build).toThrow(message);
  });

  test("L14: depth and size have limits that say their names", () => {
    let deep = flow(plain);
    for (let level = 1; level < limits.flowDepthMax; level += 1) deep = flow(plain).then(deep);
    expect(flattened(deep).requests).toHaveLength(limits.flowDepthMax);
    expect(() => flattened(flow(plain).then(deep))).toThrow(expect.objectContaining({ code: "flow_too_deep" }));
    const wide = Array.from({ length: limits.flowJobsMax }, () => plain.with());
    expect(flattened(flow(wide)).requests).toHaveLength(limits.flowJobsMax);
    expect(() => flattened(flow(wide).then(plain))).toThrow(expect.objectContaining({ code: "flow_too_large" }));
  });
});

describe("types", () => {
  test("input and result are inferred; directives are no result", () => {
    const job = defineJob("typed", {
      input: typed<{ id: string }>(),
      run: async ({ input, release }) => {
        await Promise.resolve();
        return input.id === "" ? release({ after: "1s" }) : { address: input.id };
      },
    });
    expectTypeOf(job).toEqualTypeOf<JobDefinition<{ id: string }, { address: string }>>();
    expectTypeOf(plain).toEqualTypeOf<JobDefinition<undefined, void>>();
    // @ts-expect-error -- input is required
    expect(job.with().input).toBeUndefined();
    // @ts-expect-error -- and of its type
    expect(flow(job, { id: 1 }).stages).toHaveLength(1);
    // @ts-expect-error -- a job that takes an input is no member without one
    expect(flow(plain).then(job).stages).toHaveLength(2);
  });
});

/** What the compiler would refuse, as it can come from JavaScript. */
function wrong(value: unknown): any {
  return value;
}
