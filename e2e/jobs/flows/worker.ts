/** A manager of `prove:flows` in a process of its own; its jobs tell over IPC when it is to be killed. */
import { JobManager } from "@provost/jobs";
import { storeAt } from "../store-at.ts";
import { jobs } from "./jobs.ts";

const [address = "", leaseMs = "0"] = process.argv.slice(2);
// Not without whoever started it.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));
const manager = new JobManager({ transporter: storeAt(address), jobs, lease: Number(leaseMs) });
await manager.start();
