import { Logger, makeWorkerUtils, run as startRunner, type Runner } from "graphile-worker";
import { Pool } from "pg";
import type { NewJob, Open } from "../engine.ts";

/** As FACTS.md found it fastest, from its page on performance. */
const best = { concurrentJobs: 100, localQueueSize: 2_000, refetchDelayMs: 10 };

interface Spec {
  identifier: string;
  payload: unknown;
  priority?: number;
  runAt?: Date;
}

function spec({ payload, first, delayMs }: NewJob): Spec {
  return {
    identifier: "bench",
    payload,
    // Lower goes first here; 0 is the default.
    ...(first === true && { priority: -100 }),
    ...(delayMs !== undefined && { runAt: new Date(Date.now() + delayMs) }),
  };
}

export const open: Open = async (connectionString, { defaults }) => {
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ preset: { worker: { connectionString, logger } } });
  await utils.migrate();
  const pool = new Pool({ connectionString, max: 1 });
  let runner: Runner | undefined;
  return {
    async addMany(jobs) {
      await utils.addJobs(jobs.map(spec));
    },
    async add(job) {
      const { identifier, payload, ...how } = spec(job);
      await utils.addJob(identifier, payload, how);
    },
    async work({ concurrency, run }) {
      const concurrentJobs = concurrency ?? best.concurrentJobs;
      const tuned = {
        concurrentJobs,
        localQueue: {
          size: Math.max(best.localQueueSize, concurrentJobs),
          refetchDelay: { durationMs: best.refetchDelayMs },
        },
        completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      };
      const own = concurrency === undefined ? {} : { concurrentJobs: concurrency };
      runner = await startRunner({
        preset: { worker: { connectionString, logger, ...(defaults ? own : tuned) } },
        taskList: { bench: async (payload) => await run(payload as NewJob["payload"]) },
        noHandleSignals: true,
      });
    },
    async unfinished() {
      const ready = "SELECT 1 FROM graphile_worker._private_jobs WHERE run_at <= now() LIMIT 1";
      return (await pool.query(ready)).rows.length;
    },
    async close() {
      await runner?.stop();
      await utils.release();
      await pool.end();
    },
  };
};
