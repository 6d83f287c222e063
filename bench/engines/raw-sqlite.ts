import { setImmediate as turn } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { type NewJob, type Open, runAll } from "../engine.ts";

const batch = 50;
const busyMs = 10_000;

const tables = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS job (id INTEGER PRIMARY KEY, priority INTEGER NOT NULL, state INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS job_ready ON job (priority DESC, id) WHERE state = 0;
`;
const claim = `
UPDATE job SET state = 1 WHERE id IN (SELECT id FROM job WHERE state = 0 ORDER BY priority DESC, id LIMIT ?)
RETURNING id, payload`;

/** The floor: claim and complete in batches of 50, each a durable commit, with no lease, no attempts and no thread between. */
export const open: Open = async (path) => {
  const database = new DatabaseSync(path, { timeout: busyMs });
  database.exec(tables);
  const insert = database.prepare("INSERT INTO job (priority, state, payload) VALUES (?, 0, ?)");
  const take = database.prepare(claim);
  const complete = database.prepare("UPDATE job SET state = 2 WHERE id = ?");
  const left = database.prepare("SELECT 1 FROM job WHERE state < 2 LIMIT 1");
  const ending = new AbortController();
  let running = Promise.resolve();

  const inTransaction = (act: () => void): void => {
    database.exec("BEGIN IMMEDIATE");
    act();
    database.exec("COMMIT");
  };
  const add = async (jobs: readonly NewJob[]): Promise<void> => {
    inTransaction(() => {
      for (const { payload, first } of jobs) insert.run(first === true ? 255 : 100, JSON.stringify(payload));
    });
  };

  return {
    addMany: add,
    add: async (job) => await add([job]),
    async work({ concurrency = batch, run }) {
      running = (async () => {
        while (!ending.signal.aborted) {
          const claimed = take.all(concurrency) as { id: number; payload: string }[];
          await runAll(
            claimed.map(({ payload }) => JSON.parse(payload)),
            run,
          );
          inTransaction(() => {
            for (const { id } of claimed) complete.run(id);
          });
          // The process that counts must get its turn.
          await turn();
        }
      })();
    },
    unfinished: async () => left.all().length,
    async close() {
      ending.abort();
      await running;
      database.close();
    },
  };
};
