/**
 * `npm run prove:blocked`: a job that blocks its event loop for 60 s, six default leases, is not run twice (L9): inline,
 * thread and process, each beside a manager that waits to take it over. Jobs claimed behind the inline one, and not begun, go to that
 * manager meanwhile, at no cost (L4).
 */
import { fork, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { defaults, defineJob, JobManager, typed, type Job } from "@provost/jobs";
import { prove, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { killed, onThrowawayStore, type ProofStore } from "../stores.ts";
import { jobs, type Block } from "./jobs.ts";

const holderScript = fileURLToPath(new URL("holder.ts", import.meta.url));
const startMsMax = 60_000;
/** Claimed in one batch with the inline job, behind it in order. */
const behindCount = 20;

type Kind = keyof typeof jobs;

/** Runs the three kinds side by side on one store. */
async function proveOn({ address, folder }: ProofStore, ground: Ground<"seconds">): Promise<void> {
  const { check } = ground;
  const ms = ground.numbers.seconds * 1_000;
  const holders: ChildProcess[] = [];
  const transporter = storeAt(address);
  const taken: string[] = [];
  // The same names, so that it asks for the same jobs; what it gets, it ran a second time.
  const hungry = Object.values(jobs).map(({ name }) =>
    defineJob(name, { input: typed<Block>(), run: ({ jobId }) => void taken.push(jobId) }),
  );
  const manager = new JobManager({ transporter, jobs: hungry, poll: 100 });
  const all = (ids: readonly string[], holds: (job: Job) => boolean) => async (): Promise<boolean> => {
    const found = await Promise.all(ids.map((id) => manager.get(id)));
    return found.every((job) => job !== undefined && holds(job));
  };
  try {
    await transporter.start();
    const ledger = join(folder, "runs.ledger");
    const ids = new Map<Kind, string>();
    const request = jobs.inline.with({ ms: 0, ledger }, { priority: 1 });
    const behind = (await manager.enqueueMany(Array.from({ length: behindCount }, () => request))).map(({ id }) => id);
    for (const kind of ["inline", "thread", "process"] as const) {
      ids.set(kind, (await manager.enqueue(jobs[kind], { ms, ledger })).id);
      holders.push(fork(holderScript, [address, kind], { execArgv: process.execArgv }));
    }
    const blocked = [...ids.values()];
    // Those behind may have been given back by now: a claim leaves its fence.
    const claimed = all([...blocked, ...behind], ({ fence }) => fence === 1);
    check(await within(startMsMax, claimed), "all three block, with the others claimed behind the inline one");
    await manager.start();
    const since = performance.now();
    const isElsewhere = await within(ms, all(behind, isProcessed));
    const elsewhereMs = Math.round(performance.now() - since);
    const costs = await Promise.all(behind.map(async (id) => (await manager.get(id))?.attemptsUsed ?? 0));
    check(
      isElsewhere && costs.every((used) => used === 0),
      `${behindCount} behind it ran elsewhere after ${elsewhereMs} ms, at the cost of ${Math.max(...costs)} attempts`,
    );
    check(await all(blocked, ({ status }) => status === "in_progress")(), "all three block still");
    check(await within(ms + startMsMax, all(blocked, isProcessed)), "all three ended");
    const lines = readFileSync(ledger, "utf8").trim().split("\n");
    for (const [kind, id] of ids) {
      const job = await manager.get(id);
      const runs = lines.filter((line) => line.startsWith(`${kind} `)).length;
      check(
        runs === 1 && job?.fence === 1 && job.attemptsUsed === 0 && job.status === "processed",
        `${kind}, blocked for ${ms} ms, ${ms / defaults.leaseMs} leases: ran ${runs} times, fence ${job?.fence}, attempts lost ${job?.attemptsUsed}, ${job?.status}`,
      );
    }
    const wrong = blocked.filter((id) => taken.includes(id));
    check(
      wrong.length === 0 && taken.length === behindCount,
      `the second manager ran ${taken.length} jobs, ${wrong.length} of them blocked ones`,
    );
  } finally {
    await Promise.all(holders.map(killed));
    await manager.stop();
    await transporter.stop();
  }
}

function isProcessed({ status }: Job): boolean {
  return status === "processed";
}

async function within(limitMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    if (await holds()) return true;
    await pause(100);
  }
  return false;
}

await prove(
  {
    name: "blocked",
    about:
      "A job that blocks its event loop for several leases is not run twice, whatever kind of process it has (L9).",
    numbers: { seconds: { value: 60, about: "that it blocks; 12 at least, which is more than a lease" } },
    minutesMax: 15,
  },
  async (ground) => onThrowawayStore(ground.kind, (store) => proveOn(store, ground)),
);
