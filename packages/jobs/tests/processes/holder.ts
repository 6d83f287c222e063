/**
 * A manager in a process of its own that runs the blocking job of one kind: for tests that need its event loop blocked, or it
 * killed. Tells its manager's events over IPC.
 */
import { JobManager, type Transporter } from "../../src/index.ts";
import { postgres } from "../../src/transporters/postgres/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";
import { inChild, inline, inThread } from "./jobs.ts";

const [store = "", schema = "", kind = "", lease = "1000", onStuck = "report"] = process.argv.slice(2);
const transporter: Transporter = store.startsWith("postgres:")
  ? postgres({ connectionString: store, schema })
  : sqlite(store);
const { blocks, deaf } = { inline, thread: inThread, process: inChild }[kind] ?? inline;

const manager = new JobManager({
  transporter,
  jobs: [blocks, deaf],
  lease: Number(lease),
  poll: 50,
  abortGrace: 100,
  onStuck: onStuck === "exit" ? "exit" : "report",
  log: (event) => process.send?.(event),
});
await manager.start();
process.once("message", () => {
  void manager
    .stop()
    .then(() => transporter.stop())
    .then(() => process.disconnect());
});
