import { JobManager } from "@provost/jobs";
import { jobs } from "./jobs.ts";
import { storeAt } from "../store-at.ts";

/** A manager in a process of its own that runs one kind of the blocking job; the default lease. */

const [address = "", kind = ""] = process.argv.slice(2);
const chosen = Object.entries(jobs).filter(([name]) => name === kind);
// Not without whoever started it.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
const manager = new JobManager({ transporter: storeAt(address), jobs: chosen.map(([, job]) => job), poll: 100 });
await manager.start();
