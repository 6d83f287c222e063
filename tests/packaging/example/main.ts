import { JobManager } from "@provost/jobs";
import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";
import { testManager } from "@provost/jobs/testing/manager";
import { postgresMissing } from "@provost/jobs/testing/postgres";
import { greeters } from "./jobs.ts";

const transporter = sqlite("jobs.db");
const manager = new JobManager({ transporter, jobs: Object.values(greeters) });
await manager.start();
for (const [kind, job] of Object.entries(greeters)) {
  const { id } = await manager.enqueue(job, { name: "Ada" });
  const said: string = await manager.result(job, id);
  console.log(`${kind}: ${said}`);
}
// @ts-expect-error -- the input's type is the definition's
greeters.inline.with({ nam: "Ada" });
await manager.stop();
await transporter.stop();

const jobs = await testManager({ jobs: [greeters.inline] });
console.log(`testManager: ${await jobs.run(greeters.inline, { name: "Ada" })}`);
await jobs.close();

const idle = postgres("postgres://nobody@127.0.0.1:1/nothing");
console.log(`postgres: ${idle.capabilities.sql === "postgres" ? "started only on demand" : typeof postgresMissing()}`);
