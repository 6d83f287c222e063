import type { FleetRequest, TaskOrder } from "@provost/contract";
import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";
import { Control } from "../src/index.ts";
import { quick } from "./world-timings.ts";

/**
 * A server of its own process that asks for one task, or gives one fleet command, and works at it until it is killed: `node
 * doomed-task.ts LOCATION KEY INSTANCE ORDER`, where INSTANCE is `fleet` for a command.
 */
const [location = "", key = "", instance = "", order = ""] = process.argv.slice(2);
const transporter = location.startsWith("postgres") ? postgres(location) : sqlite(location);
await transporter.start();
const control = new Control({
  transporter,
  secretKey: Buffer.from(key, "hex"),
  callback: { defaultUrl: "http://127.0.0.1:9", allowHttp: true, check: async () => {} },
  timings: { ...quick, jobLeaseMs: 1_000 },
  log: { debug() {}, info() {}, warn() {}, error() {} },
});
await control.start();
if (instance === "fleet") await control.fleets.begin(JSON.parse(order) as FleetRequest);
else await control.tasks.ask(instance, JSON.parse(order) as TaskOrder);
