/**
 * `npm run prove:model`: random operations on the store and on pure models of the laws must tell the same (fast-check; what fails is
 * shrunk and printed with its seed). 10,000 runs of each model on SQLite, 200 on PostgreSQL; `-- --runs 500 --postgres-runs 50` for
 * less, 0 for none. The conformance suite has a short form. Exits with 1 when anything does not hold, or cannot be run.
 */
import { startVitest } from "vitest/node";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { report } from "../stores.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "10000" }, "postgres-runs": { type: "string", default: "200" } },
});
process.env["MODEL_RUNS"] = values.runs;
process.env["MODEL_RUNS_POSTGRES"] = values["postgres-runs"];
const config = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const since = performance.now();
const vitest = await startVitest("test", [], { config, watch: false, run: true });
const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
await vitest.close();
const faults = tests
  .filter((test) => test.result().state !== "passed")
  .map((test) => `${test.fullName}: ${test.result().state}`);
if (tests.length === 0) faults.push("no model was run");
const figures = {
  models: tests.length,
  runsOnSqlite: Number(values.runs),
  runsOnPostgres: Number(values["postgres-runs"]),
  seconds: Math.round((performance.now() - since) / 1_000),
};
report("model", figures, faults);
