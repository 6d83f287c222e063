import { PgBoss, type JobInsert } from "pg-boss";
import { BenchError } from "../bench-error.ts";
import { type NewJob, type Open, type Payload, runAll } from "../engine.ts";

/** As FACTS.md found it fastest: two workers that fetch 500 at a time without a rest while batches are full, woken by NOTIFY. */
const best = { batchSize: 500, localConcurrency: 2 };
/** How often it looks for flows whose next jobs may start: the shortest there is. */
const flowIntervalSeconds = 1;
/** The next jobs of flows come without a NOTIFY: the shortest wait there is. */
const pollSeconds = 0.5;
const queue = "bench";

function insert({ payload, first, delayMs }: NewJob): JobInsert {
  return {
    data: payload,
    ...(first === true && { priority: 100 }),
    ...(delayMs !== undefined && { startAfter: new Date(Date.now() + delayMs) }),
  };
}

export const open: Open = async (connectionString, { defaults }) => {
  const boss = new PgBoss({ connectionString, ...(!defaults && { useListenNotify: true, flowIntervalSeconds }) });
  boss.on("error", () => undefined);
  await boss.start();
  // The queue may be there: another process of this run has made it.
  if ((await boss.getQueue(queue)) === null) await boss.createQueue(queue, defaults ? {} : { notify: true });
  return {
    async addMany(jobs) {
      await boss.insert(queue, jobs.map(insert));
    },
    async add({ payload, ...rest }) {
      const { data: _, ...options } = insert({ payload, ...rest });
      await boss.send(queue, payload, options);
    },
    async work({ concurrency, run }) {
      const batchSize = Math.min(best.batchSize, concurrency ?? best.batchSize);
      const localConcurrency = Math.ceil((concurrency ?? best.batchSize * best.localConcurrency) / batchSize);
      const options = defaults
        ? {}
        : {
            batchSize,
            localConcurrency,
            burstWhenBatchFull: true,
            pollingIntervalSeconds: pollSeconds,
            notifyPollingIntervalSeconds: pollSeconds,
          };
      await boss.work<Payload>(queue, options, async (jobs) => {
        await runAll(
          jobs.map(({ data }) => data),
          run,
        );
      });
    },
    async unfinished() {
      const ready = "SELECT 1 FROM pgboss.job WHERE state < 'completed' AND start_after <= now() LIMIT 1";
      return (await boss.getDb().executeSql(ready)).rows.length;
    },
    async addFlows(flows, children, shape) {
      const one = (index: number): Parameters<PgBoss["flow"]>[0] => {
        const [parent, last] = [`${index}-parent`, `${index}-last`];
        const all = Array.from({ length: children }, (_, child) => `${index}-child-${child}`);
        const isTree = shape === "tree";
        return [
          ...all.map((ref) => ({ ref, name: queue, data: {}, ...(!isTree && { dependsOn: [parent] }) })),
          { ref: parent, name: queue, data: {}, ...(isTree && { dependsOn: all }) },
          { ref: last, name: queue, data: {}, dependsOn: isTree ? [parent] : all },
        ];
      };
      await boss.flow(Array.from({ length: flows }, (_, index) => one(index)).flat());
    },
    flowJobs: (children) => children + 2,
    async claimOne() {
      const since = performance.now();
      const [job] = await boss.fetch(queue);
      const ms = performance.now() - since;
      if (job === undefined) throw new BenchError("not_ended", "no job was there to be fetched");
      await boss.complete(queue, job.id);
      return ms;
    },
    async close() {
      await boss.stop({ graceful: true, timeout: 10_000 });
    },
  };
};
