/**
 * `npm run prove:rogues`: 1,000 rogues at base priority 255, each of which holds its slot for a second and fails, beside
 * fresh jobs at 255 and at 100. Once with decay (L4), once without, side by side: how long the fresh ones wait. The
 * rogues' priorities fall to the letter of the law, and the fresh jobs are visibly better off with decay.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Attempt, defineJob, type DecayRule, JobManager, typed } from "@provost/jobs";
import { percentile, prove, type Ground, type StoreKind } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { onThrowawayStore } from "../stores.ts";

const rogues = 1_000;
const rogueAttempts = 10;
const holdMs = 1_000;
const slots = 250;
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

async function run(kind: StoreKind, runMs: number, decay: DecayRule | undefined): Promise<Seen> {
  return await onThrowawayStore(kind, async ({ address }) => {
    const transporter = storeAt(address);
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
    await transporter.start();
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
    const histories = await Promise.all(sample.map((id) => manager.attempts(id)));
    await transporter.stop();
    return { waits, histories };
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
  return `${what} started ${String(started.length).padStart(4)} of ${String(all.length).padStart(4)} · waited p50 ${seconds(percentile(all, 0.5))} · p99 ${seconds(percentile(all, 0.99))} · longest ${seconds(Math.max(0, ...all))}`;
}

const all = ({ started, waiting }: Waits): number[] => [...started, ...waiting];
const median = (seen: Seen): number => percentile(all(seen.waits.get(100)!), 0.5);

/** What a rogue has lost, attempt by attempt, is what the law says; and it was tried often enough to show it. */
function isLawful(history: readonly number[]): boolean {
  // The last attempt ends the job: what it leaves is no priority any more.
  const shown = history.slice(0, rogueAttempts);
  return (
    shown.length >= 3 &&
    shown.every((priority, used) => priority === Math.floor((255 * (rogueAttempts - used)) / rogueAttempts))
  );
}

async function proveOn({ kind, numbers, say, check }: Ground<"seconds">): Promise<void> {
  const without = await run(kind, numbers.seconds * 1_000, keepBase);
  const withDecay = await run(kind, numbers.seconds * 1_000, undefined);
  say(
    `${rogues} rogues at 255, ${rogueAttempts} attempts of ${holdMs} ms, ${slots} slots; two fresh jobs every ${freshEveryMs} ms for ${numbers.seconds} s`,
  );
  for (const priority of [255, 100]) {
    for (const [what, seen] of [
      ["decay off", without],
      ["decay on ", withDecay],
    ] as const) {
      const waits = seen.waits.get(priority);
      if (waits !== undefined) say(line(`fresh jobs at ${priority}, ${what}:`, waits));
    }
  }
  withDecay.histories.forEach((attempts, index) => {
    const history = priorities(attempts);
    const off = priorities(without.histories[index] ?? []);
    check(isLawful(history), `a rogue's priorities, decay on: ${history.join(" → ")}; decay off: ${off.join(" → ")}`);
  });
  check(
    median(withDecay) <= 0.75 * median(without),
    `fresh jobs at 100 wait ${seconds(median(withDecay)).trim()} with decay, ${seconds(median(without)).trim()} without (p50)`,
  );
}

await prove(
  {
    name: "rogues",
    about: "Jobs that keep failing lose priority, and fresh ones overtake them (L4).",
    numbers: {
      seconds: {
        value: 45,
        about: "of each run, one with decay and one without; 30 at least: rogues must have fallen below 100",
      },
    },
    minutesMax: 15,
  },
  proveOn,
);
