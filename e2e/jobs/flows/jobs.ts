import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { defineJob, flow, typed, type FlowBuilder, type StagePolicy } from "@provost/jobs";

/** What `prove:flows` runs, three levels deep: a root, its siblings, a leaf below each; then what comes after them. */

/** How one of the siblings fails until `mended` is there. */
export type Failing = "throws" | "dies with its worker";

export interface Step {
  /** A line for each run. */
  ledger: string;
  number: number;
  /** How long it takes. */
  ms: number;
  bad?: { how: Failing; mended: string };
}

const root = defineJob("root", { run: () => "root" });
const leaf = defineJob("leaf", { input: typed<number>(), run: ({ input }) => input });
const join = defineJob("join", { run: async ({ resultsOf }) => (await resultsOf(leaf)).length });
const last = defineJob("last", { run: () => "done" });

const step = defineJob("step", {
  input: typed<Step>(),
  async run({ input: { ledger, number, ms, bad }, jobId, fail, signal }) {
    appendFileSync(ledger, `step ${number}\n`);
    await pause(ms, undefined, { signal });
    if (bad === undefined || existsSync(bad.mended)) return number;
    if (bad.how === "throws") return fail(Object.assign(new RangeError("one of them fails"), { code: "bad_step" }));
    // Whoever started this worker kills it now.
    process.send?.({ hangs: jobId });
    return await new Promise<never>(() => undefined);
  },
});

/** Tells what ended its flow. */
export const report = defineJob("report", { run: async ({ flowFailure }) => (await flowFailure()) ?? null });

export interface Shape {
  siblings: number;
  policy: StagePolicy;
  ledger: string;
  ms: number;
  how: Failing;
  mended: string;
}

/** The first of the siblings is the bad one: the others are behind it, untried as yet. */
export function deepFlow({ siblings, policy, ledger, ms, how, mended }: Shape): FlowBuilder {
  const members = Array.from({ length: siblings }, (_, number) => {
    const input = { ledger, number, ms: number === 0 ? 0 : ms };
    const first =
      number === 0 ? flow(step, { ...input, bad: { how, mended } }, { priority: 255, attempts: 1 }) : flow(step, input);
    return first.then(leaf.with(number));
  });
  return flow([flow(root).then(members, { policy }).then(join)])
    .then(last)
    .onFailed(report);
}

/** L7: released for an hour; only a wake brings it back before. */
export const wait = defineJob("wait", {
  input: typed<string>(),
  run: ({ input, attempt, release }) => (attempt === 1 ? release({ after: "1h", wake: input }) : "woken"),
});

/** As `wait`, but it runs until `gate` is there before it is released. */
export const meet = defineJob("meet", {
  input: typed<{ key: string; gate: string }>(),
  async run({ input: { key, gate }, attempt, release, signal }) {
    if (attempt > 1) return "woken";
    while (!existsSync(gate)) await pause(20, undefined, { signal });
    return release({ after: "1h", wake: key });
  },
});

export const jobs = [root, step, leaf, join, last, report, wait, meet];
