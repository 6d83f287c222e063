/**
 * A manager in a process of its own, for tests that kill, freeze or cut it off. Told over IPC what to do; tells the ids it
 * enqueued and the events of its manager.
 */
import { writeSync } from "node:fs";
import { defineJob, JobManager } from "../../src/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";

const [path = "", mode = "", lease = "1000"] = process.argv.slice(2);
const transporter = sqlite(path);
const finish = new Promise<void>((resolve) => process.once("message", () => resolve()));

const held = defineJob("held", { run: () => finish });
const filler = defineJob("filler", { run() {} });

if (mode === "enqueue") {
  await transporter.start();
  const manager = new JobManager({ transporter });
  for (;;) {
    // Synchronous: what is read was returned, whatever moment the kill comes at.
    const batch = await Promise.all([manager.enqueue(filler), manager.enqueue(filler)]);
    for (const { id } of batch) writeSync(1, `${id}\n`);
  }
} else {
  const manager = new JobManager({
    transporter,
    jobs: [held],
    lease: Number(lease),
    poll: 50,
    log: (event) => process.send?.(event),
  });
  await manager.start();
}
