/**
 * A manager with a schedule in a process of its own, for tests that kill it in the midst of a run. From the cursor it is told
 * on its runs never end. Tells the events of its manager over IPC.
 */
import { defineSchedule, JobManager } from "../../src/index.ts";
import { postgres } from "../../src/transporters/postgres/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";

const [place = "", every = "", holdFrom = ""] = process.argv.slice(2);
const [connectionString = "", schema = ""] = place.split(" ");
const transporter = schema === "" ? sqlite(place) : postgres({ connectionString, schema });
const pulse = defineSchedule("pulse", {
  every: Number(every),
  first: 0,
  run: ({ cursor, log }) => {
    if (cursor < Number(holdFrom)) return cursor + 1;
    log("held");
    return new Promise<never>(() => undefined);
  },
});
const manager = new JobManager({
  transporter,
  jobs: [pulse],
  lease: 1_000,
  poll: 50,
  log: (event) => process.send?.(event),
});
await manager.start();
