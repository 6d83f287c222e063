import { join } from "node:path";
import { defineJob, JobManager } from "../../src/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";

/** The mistake of keeping an isolated job in the program's main module: each process of it would start a manager. */
export const selfish = defineJob("selfish", { process: "thread", module: import.meta.url, run() {} });

export const manager = new JobManager({ transporter: sqlite(join("nowhere", "jobs.db")), jobs: [selfish] });
await manager.start().catch((refused: unknown) => {
  if (!(refused instanceof Error) || !refused.message.includes("nowhere")) throw refused;
});
