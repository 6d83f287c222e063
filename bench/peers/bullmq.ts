import { randomUUID } from "node:crypto";
import { type FlowJob, FlowProducer, type JobsOptions, Queue, Worker } from "bullmq";
import { BenchError } from "../bench-error.ts";
import type { NewJob, Open, Payload } from "../engine.ts";

const best = { concurrency: 100 };
const name = "bench";

/** Jobs of no priority go before those that have one here: `first` needs none, by an option that puts it at the head. */
function options({ first, delayMs }: NewJob): JobsOptions {
  return { ...(first === true && { lifo: true }), ...(delayMs !== undefined && { delay: delayMs }) };
}

export const open: Open = async (address, { defaults }) => {
  const { hostname: host, port } = new URL(address);
  const connection = { host, port: Number(port), maxRetriesPerRequest: null };
  const keep = defaults ? {} : { removeOnComplete: { count: 0 } };
  const queue = new Queue<Payload>(name, { connection });
  const flows = new FlowProducer({ connection });
  let worker: Worker<Payload> | undefined;
  await queue.waitUntilReady();
  return {
    async addMany(jobs) {
      await queue.addBulk(jobs.map((job) => ({ name, data: job.payload, opts: options(job) })));
    },
    async add(job) {
      await queue.add(name, job.payload, options(job));
    },
    async work({ concurrency, run }) {
      const own = concurrency ?? (defaults ? undefined : best.concurrency);
      worker = new Worker<Payload>(name, async ({ data }) => await run(data), {
        connection,
        ...keep,
        ...(own !== undefined && { concurrency: own }),
      });
      worker.on("error", () => undefined);
      await worker.waitUntilReady();
    },
    async unfinished() {
      return await queue.getJobCountByTypes("waiting", "active", "prioritized");
    },
    async addFlows(count, children, shape) {
      const job = { name, queueName: name, data: {} };
      const one = (): FlowJob => {
        const parent = { ...job, children: Array.from({ length: children }, () => job) };
        return shape === "tree" ? { ...job, children: [parent] } : parent;
      };
      await flows.addBulk(Array.from({ length: count }, one));
    },
    // Children run before their parent here: where nothing can stand before the children, the parent is the next stage.
    flowJobs: (children, shape) => children + (shape === "tree" ? 2 : 1),
    async claimOne() {
      const token = randomUUID();
      worker ??= new Worker<Payload>(name, null, { connection, ...keep });
      const since = performance.now();
      const job = await worker.getNextJob(token, { block: false });
      const ms = performance.now() - since;
      if (job === undefined) throw new BenchError("not_ended", "no job was there to be taken");
      await job.moveToCompleted(null, token, false);
      return ms;
    },
    async close() {
      await worker?.close();
      await flows.close();
      await queue.close();
    },
  };
};
