// Runs once after an install: keeps what Node strips and compiles of the sources that run in threads. Stripping is WebAssembly inside Node,
// and threads that begin it at the same moment end the process with SIGSEGV or SIGTRAP now and then (nodejs/node#64500). Test workers ended
// so here on a busy machine; no core has shown that this was why. Threads that find it kept strip nothing. An installed package is JavaScript, and strips nothing either.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const jobs = join(import.meta.dirname, "..", "packages", "jobs", "src");
const entries = [
  "transporters/sqlite/thread.ts",
  "transporters/sqlite/renewer.ts",
  "transporters/postgres/renewer.ts",
  "manager/lease-thread.ts",
  // Without a parent to talk to it may end the process: so it is the last.
  "processes/entry.ts",
];
for (const entry of entries) {
  // What matters is that it was loaded: outside a thread it may well throw.
  await import(pathToFileURL(join(jobs, entry)).href).catch(() => {});
}
process.exit(0);
