import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";
import { Control } from "../src/index.ts";
import { quick } from "./world-timings.ts";

/**
 * A server of its own process that asks for one deploy, or one bake, and is killed at a moment of it: `node doomed-server.ts
 * LOCATION KEY CALLBACK-URL MOMENT [bake]`. At a `MOMENT` that is a kind of event it kills itself in the very act of hearing it.
 */
const [location = "", key = "", callbackUrl = "", moment = "", what = "deploy"] = process.argv.slice(2);
const transporter = location.startsWith("postgres") ? postgres(location) : sqlite(location);
await transporter.start();
const log = { debug() {}, info() {}, warn() {}, error() {} };
const control = new Control({
  transporter,
  secretKey: Buffer.from(key, "hex"),
  callback: { defaultUrl: callbackUrl, allowHttp: true, check: async () => {} },
  timings: { ...quick, jobLeaseMs: 1_000 },
  log,
});
control.subscribe((event) => {
  if (event.kind === moment) process.kill(process.pid, "SIGKILL");
});
await control.start();
if (what === "bake") await control.images.bake({ name: "doomed-1", provider: "sandbox" });
else await control.instances.deploy({ name: "doomed-1", provider: "sandbox" });
