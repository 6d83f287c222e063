/**
 * `npm run prove:rogues`: 1,000 rogues at base priority 255, each of which holds its slot for a second and fails, beside
 * fresh jobs at 255 and at 100. Once with decay (L4), once without, side by side: how long the fresh ones wait. Exits with 1 unless
 * the rogues' priorities fall to the letter of the law and the fresh jobs are visibly better off with decay. About 100 s.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Attempt, defineJob, type DecayRule, JobManager, typed } from "@provost/jobs";
import { onFreshStore, percentile } from "./store.ts";

const rogues = 1_000;
const rogueAttempts = 10;
const holdMs = 1_000;
const slots = 250;
const runMs = 45_000;
const freshEveryMs = 250;

interface Waits {
  started: number[];
  /** Ages of those that never started. */
  waiting: number[];
}

interface Seen {
  waits: Map<number, Waits>;
  histories: Attempt[][];
}

const keepBase: DecayRule = (base) => base;

async function run(decay: DecayRule | undefined): Promise<Seen> {
  return await onFreshStore(async (transporter) => {
    const waits = new Map<number, Waits>([255, 100].map((priority) => [priority, { started: [], waiting: [] }]));
    const open = new Map<string, { priority: number; at: number }>();
    const rogue = defineJob("rogue", {
      priority: 255,
      attempts: rogueAttempts,
      backoff: 0,
      ...(decay === undefined ? {} : { decay }),
      async run({ signal }) {
        await sleep(holdMs, undefined, { signal });
        throw new RangeError("a rogue fails");
      },
    });
    const fresh = defineJob("fresh", {
      input: typed<string>(),
      run({ input }) {
        const job = open.get(input);
        if (job === undefined) return;
        open.delete(input);
        waits.get(job.priority)?.started.push(performance.now() - job.at);
      },
    });
    const manager = new JobManager({
      transporter,
      jobs: [rogue, fresh],
      slots: { short: slots },
      stopGrace: 0,
      abortGrace: "2s",
    });
    const added = await manager.enqueueMany(Array.from({ length: rogues }, () => rogue.with()));
    await manager.start();
    const begun = performance.now();
    for (let n = 0; performance.now() - begun < runMs; n += 1) {
      for (const priority of [255, 100]) {
        const key = `${n}-${priority}`;
        open.set(key, { priority, at: performance.now() });
        await manager.enqueue(fresh, key, { priority });
      }
      await sleep(freshEveryMs);
    }
    await manager.stop();
    for (const { priority, at } of open.values()) waits.get(priority)?.waiting.push(performance.now() - at);
    const sample = [0, 1, 499, 998, 999].map((index) => added[index]?.id ?? "");
    return { waits, histories: await Promise.all(sample.map((id) => manager.attempts(id))) };
  });
}

function priorities(attempts: readonly Attempt[]): number[] {
  const charged = attempts.filter(({ cause }) => cause === "error");
  return charged.length === 0
    ? [255]
    : [charged[0]!.priorityBefore, ...charged.map(({ priorityAfter }) => priorityAfter)];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`.padStart(7);
}

function line(what: string, { started, waiting }: Waits): string {
  const all = [...started, ...waiting];
  return `  ${what.padEnd(22)} started ${String(started.length).padStart(4)} of ${String(all.length).padStart(4)} · waited p50 ${seconds(percentile(all, 0.5))} · p99 ${seconds(percentile(all, 0.99))} · longest ${seconds(Math.max(0, ...all))}`;
}

const problems: string[] = [];
const without = await run(keepBase);
const withDecay = await run(undefined);
console.log(
  `${rogues} rogues at 255, ${rogueAttempts} attempts of ${holdMs} ms, ${slots} slots; two fresh jobs every ${freshEveryMs} ms for ${runMs / 1_000} s`,
);
for (const priority of [255, 100]) {
  console.log(`fresh jobs at ${priority}`);
  for (const [what, seen] of [
    ["decay off", without],
    ["decay on", withDecay],
  ] as const) {
    const waits = seen.waits.get(priority);
    if (waits !== undefined) console.log(line(what, waits));
  }
}
console.log("priorities of five rogues, decay on (by the law: floor(255 × left / 10)); decay off");
withDecay.histories.forEach((attempts, index) => {
  const history = priorities(attempts);
  console.log(`  ${history.join(" → ")}   |   ${priorities(without.histories[index] ?? []).join(" → ")}`);
  history.forEach((priority, used) => {
    // The last attempt ends the job: what it leaves is no priority any more.
    const lawful = Math.floor((255 * (rogueAttempts - used)) / rogueAttempts);
    if (used < rogueAttempts && priority !== lawful)
      problems.push(`after ${used} attempts a rogue has ${priority}, by the law ${lawful}`);
  });
  if (history.length < 3) problems.push(`rogue ${index} was tried ${history.length - 1} times only: nothing is shown`);
});
const all = ({ started, waiting }: Waits): number[] => [...started, ...waiting];
const median = (seen: Seen): number => percentile(all(seen.waits.get(100)!), 0.5);
if (median(withDecay) > 0.75 * median(without)) {
  problems.push(
    `fresh jobs at 100 wait ${Math.round(median(withDecay))} ms with decay, ${Math.round(median(without))} ms without: no better`,
  );
}
for (const problem of problems) console.error(`FAILED: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
