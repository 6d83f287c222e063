/**
 * `npm run prove:model`: random operations on the store and on pure models of the laws must tell the same (fast-check; what fails is
 * shrunk and printed with its seed). The conformance suite has a short form.
 */
import { fileURLToPath } from "node:url";
import { startVitest } from "vitest/node";
import { prove } from "../proof.ts";

const config = fileURLToPath(new URL("vitest.config.ts", import.meta.url));

await prove(
  {
    name: "model",
    about: "Random operations on the store and on pure models of the laws tell the same.",
    numbers: {
      runs: { value: 10_000, about: "of each model on SQLite" },
      "postgres-runs": { value: 200, about: "of each model on PostgreSQL" },
    },
    minutesMax: 120,
  },
  async ({ kind, numbers, say, check }) => {
    const runs = numbers[kind === "SQLite" ? "runs" : "postgres-runs"];
    process.env["MODEL_STORE"] = kind;
    process.env["MODEL_RUNS"] = String(runs);
    const vitest = await startVitest("test", [], { config, watch: false, run: true });
    const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()]);
    await vitest.close();
    say(`${runs} runs of each model`);
    check(tests.length > 0, `${tests.length} models`);
    for (const test of tests) check(test.result().state === "passed", `${test.fullName}: ${test.result().state}`);
  },
);
