import { defineJob, flow, JobManager, type JobRequest, type Transporter, typed } from "@provost/jobs";
import { BenchError } from "../bench-error.ts";
import type { NewJob, Open, Payload, Run } from "../engine.ts";

const gatedPerFlow = 9_999;
/** Of the short lane, in the "best" runs: concurrency is the one thing that is set. */
const slotsBest = 200;

/** The one that is used, as a user would load it. */
async function transporterTo(address: string): Promise<Transporter> {
  if (address.startsWith("postgres:")) return (await import("@provost/jobs/postgres")).postgres(address);
  return (await import("@provost/jobs/sqlite")).sqlite(address);
}

/** Ours: everything default but the slots. On PostgreSQL by a connection string, else on an SQLite file. */
export const open: Open = async (address, { defaults }) => {
  const transporter = await transporterTo(address);
  let run: Run | undefined;
  const job = defineJob("bench", { input: typed<Payload>(), run: ({ input }) => run?.(input) });
  const producer = new JobManager({ transporter });
  let worker: JobManager | undefined;
  await producer.start();

  const request = ({ payload, first, delayMs }: NewJob): JobRequest =>
    job.with(payload, { ...(first === true && { priority: 255 }), ...(delayMs !== undefined && { after: delayMs }) });

  return {
    async addMany(jobs) {
      await producer.enqueueMany(jobs.map(request));
    },
    async add(one) {
      await producer.enqueue(request(one));
    },
    async work(options) {
      run = options.run;
      const slots = options.concurrency ?? (defaults ? undefined : slotsBest);
      worker = new JobManager({ transporter, jobs: [job], ...(slots !== undefined && { slots: { short: slots } }) });
      await worker.start();
    },
    async unfinished() {
      const counts = await producer.counts();
      return counts.reduce((sum, line) => sum + line.counts.queued + line.counts.in_progress, 0);
    },
    async addGated(count) {
      const hold = { priority: 255, after: "1h" } as const;
      for (let left = count; left > 0; left -= gatedPerFlow) {
        const behind = Array.from({ length: Math.min(left, gatedPerFlow) }, () => job.with({}, { priority: 255 }));
        await producer.enqueue(flow(job.with({}, hold)).then(behind));
      }
    },
    async addFlows(flows, children, shape) {
      const one = (): ReturnType<typeof flow> => {
        const all = Array.from({ length: children }, () => job.with({}));
        const start = shape === "tree" ? flow(all).then(job.with({})) : flow(job, {}).then(all);
        return start.then(job.with({}));
      };
      await producer.enqueueMany(Array.from({ length: flows }, one));
    },
    flowJobs: (children) => children + 2,
    async claimOne() {
      const line = { queue: "default", lane: "short", names: [job.name] } as const;
      const since = performance.now();
      const [claimed] = await transporter.claim(
        [{ ...line, names: [job.name], limit: 1, leaseMs: 10_000, started: true }],
        producer.id,
      );
      const ms = performance.now() - since;
      if (claimed === undefined) throw new BenchError("not_ended", "no job was there to be claimed: enqueue more");
      const { id, fence, version } = claimed;
      await transporter.settle([{ id, fence, version, outcome: { kind: "processed" } }]);
      return ms;
    },
    async close() {
      await worker?.stop();
      await producer.stop();
      await transporter.stop();
    },
  };
};
