import { JobManager } from "@provost/jobs";
import { postgres } from "@provost/jobs/postgres";
import type { Open } from "../engine.ts";
import { inProcess, inThread } from "./isolated-jobs.ts";

/** Ours, each job in a thread or a process of its own: as many places as jobs at once, the rest as it comes. */
export function isolated(kind: "thread" | "process"): Open {
  const job = kind === "thread" ? inThread : inProcess;
  return async (address) => {
    const transporter = postgres(address);
    const producer = new JobManager({ transporter });
    let worker: JobManager | undefined;
    await producer.start();
    return {
      async addMany(jobs) {
        await producer.enqueueMany(jobs.map(({ payload }) => job.with(payload)));
      },
      async add({ payload }) {
        await producer.enqueue(job, payload);
      },
      async work({ concurrency = 1, run }) {
        worker = new JobManager({
          transporter,
          jobs: [job],
          slots: { short: concurrency },
          processes: { [kind]: { max: concurrency } },
        });
        // The handler is elsewhere: what ends is counted here.
        worker.on("attempt.settled", () => void run({}));
        await worker.start();
      },
      async unfinished() {
        const counts = await producer.counts();
        return counts.reduce((sum, line) => sum + line.counts.queued + line.counts.in_progress, 0);
      },
      async close() {
        await worker?.stop();
        await producer.stop();
        await transporter.stop();
      },
    };
  };
}
