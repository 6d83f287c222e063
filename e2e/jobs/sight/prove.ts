/**
 * `npm run prove:sight`: five million jobs in the store, and every look that the page takes at them (L15): the first time, as the store's pages may have
 * to come from the disk, and how long it takes from then on. None may take longer than 300 ms then.
 */
import { defineJob, flow, JobManager, type Transporter } from "@provost/jobs";
import { JobService } from "../../../packages/control/src/jobs/job-service.ts";
import { prove, type Ground } from "../proof.ts";
import { storeAt } from "../store-at.ts";
import { onThrowawayStore, type ProofStore } from "../stores.ts";
import { fill } from "./fill.ts";

const msMax = 300;
const times = 7;
const limit = 100;

/** What the page asks for. */
async function looks(transporter: Transporter): Promise<[string, () => Promise<unknown>][]> {
  const manager = new JobManager({ transporter });
  const jobs = new JobService(manager);
  const step = defineJob("step", { queue: "flows", run() {} });
  const big = flow(step).then(Array.from({ length: 9_990 }, () => step));
  const { jobIds } = await manager.enqueue(big);
  const [first = ""] = jobIds;
  const failed = (await jobs.list({ status: "failed", limit: 1 })).items[0]?.id ?? "";
  const statuses = ["queued", "in_progress", "delayed", "waiting", "processed", "failed", "cancelled"];
  return [
    ["the overview", () => jobs.overview()],
    ["counts by status", () => jobs.counts({})],
    ["counts of a name", () => jobs.counts({ name: "name3" })],
    ["jobs, newest first", () => jobs.list({ limit })],
    ...statuses.map((status): [string, () => Promise<unknown>] => [
      `jobs ${status}`,
      () => jobs.list({ status, limit }),
    ]),
    ["jobs of a queue", () => jobs.list({ queue: "q3", limit })],
    ["jobs of a name", () => jobs.list({ name: "name3", limit })],
    ["processed jobs of a name", () => jobs.list({ status: "processed", name: "name3", limit })],
    ["jobs of a name that none has", () => jobs.list({ name: "nobody", limit })],
    ["jobs of a priority that none has", () => jobs.list({ priority: 7, limit })],
    ["processed jobs, from the middle on", () => jobs.list({ status: "processed", after: "1000000", limit })],
    ["one job", () => jobs.get(failed)],
    ["why it is not running", () => jobs.why(failed)],
    ["a flow of 9,991 jobs", () => jobs.flow(first)],
  ];
}

async function proveOn(store: ProofStore, { numbers, say, check }: Ground<"jobs">): Promise<void> {
  const since = performance.now();
  await fill(store, numbers.jobs);
  say(`${numbers.jobs} jobs, filled in ${Math.round((performance.now() - since) / 1_000)} s`);
  const transporter = storeAt(store.address);
  try {
    await transporter.start();
    for (const [what, look] of await looks(transporter)) {
      const ms: number[] = [];
      for (let time = 0; time < times; time += 1) {
        const at = performance.now();
        await look();
        ms.push(performance.now() - at);
      }
      const [first = 0, ...then] = ms;
      const median = then.toSorted((a, b) => a - b)[Math.floor(then.length / 2)] ?? 0;
      check(median <= msMax, `${what}: ${first.toFixed(1)} ms the first time, ${median.toFixed(1)} ms then`);
    }
  } finally {
    await transporter.stop();
  }
}

await prove(
  {
    name: "sight",
    about: `Every look of the page at the jobs takes ${msMax} ms at most, however many there are (L15).`,
    numbers: { jobs: { value: 5_000_000, about: "in the store" } },
    minutesMax: 30,
  },
  async (ground) => onThrowawayStore(ground.kind, (store) => proveOn(store, ground), { max_wal_size: "8GB" }),
);
