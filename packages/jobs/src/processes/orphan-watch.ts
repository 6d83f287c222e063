import { workerData } from "node:worker_threads";

/** A thread beside the job: whatever that blocks, a child whose manager is gone ends itself (L9). */
const lookMs = 250;

setInterval(() => {
  if (process.ppid !== workerData) process.kill(process.pid, "SIGKILL");
}, lookMs);
