/**
 * `npm run bench`: every scenario of docs/benchmarks.md on every engine it is for, five rounds, and the page written anew.
 * `npm run bench -- drain` for one, or several by name. For a look: `--quick` (small, one round), `--rounds 2`, `--size 10000`,
 * `--engines ours-postgres,graphile-worker`; a look prints its tables and writes no page unless `--write` is given. `--profile folder` puts
 * CPU profiles of the workers' processes there (for Chrome's developer tools). Ours is compiled first and run as it is installed; `--source`
 * runs it as it stands. The figures of every run are kept as JSON lines.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BenchError } from "./bench-error.ts";
import { engineNamed } from "./engines.ts";
import type { AgentOptions } from "./harness/agent.ts";
import { Bench } from "./harness/bench-run.ts";
import { sectionOf, withSection } from "./harness/page.ts";
import type { Result } from "./harness/results.ts";
import { Stores } from "./harness/stores.ts";
import type { Scenario } from "./scenario.ts";
import { scenarioNamed, scenarios } from "./scenarios/index.ts";

const root = join(import.meta.dirname, "..");
const page = join(root, "docs", "benchmarks.md");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    size: { type: "string" },
    engines: { type: "string" },
    profile: { type: "string" },
    source: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const isLook =
  values.quick || [values.rounds, values.size, values.engines, values.profile].some((flag) => flag !== undefined);
const writes = values.write || !isLook;
const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
const asked = positionals.length === 0 ? scenarios : positionals.map(scenarioNamed);
const only = values.engines?.split(",").map((name) => engineNamed(name).name);

const agents: AgentOptions = {
  fromSource: values.source,
  ...(values.profile !== undefined && { profile: values.profile }),
};

/** What would be packed, and what runs beside it: users of the package pay for no stripping of types. */
function build(): void {
  compiled("@provost/jobs", ["--workspace", "@provost/jobs"]);
  compiled("bench", ["--prefix", "bench"]);
}

function compiled(what: string, where: readonly string[]): void {
  const { status } = spawnSync("npm", ["run", "build", "--silent", ...where], { cwd: root, stdio: "inherit" });
  if (status === 0) return;
  throw new BenchError("build_failed", `${what} does not compile (exit ${status}): mend it, or give --source`);
}

/** All rounds of a scenario: engines in turns, so that what else the machine does meets all of them. */
async function measure(stores: Stores, scenario: Scenario): Promise<{ results: Result[]; failures: string[] }> {
  const size = Number(values.size ?? (values.quick ? scenario.sizes.quick : scenario.sizes.full));
  const names = scenario.engines.filter((name) => only?.includes(name) ?? true);
  const results: Result[] = [];
  const failures: string[] = [];
  const file = resultsFile(scenario);
  rmSync(file, { force: true });
  for (let round = 1; round <= rounds; round += 1) {
    // Who goes first changes with the rounds.
    const first = (round - 1) % Math.max(1, names.length);
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const bench = new Bench(stores, agents);
      try {
        const figures = await scenario.run(bench, engineNamed(name), size);
        const result: Result = {
          scenario: scenario.name,
          engine: name,
          round,
          size,
          at: new Date().toISOString(),
          figures,
        };
        results.push(result);
        const line = JSON.stringify(result);
        console.log(line);
        appendFileSync(file, `${line}\n`);
      } catch (error) {
        // The others are still worth their while; the page says which one failed.
        if (!(error instanceof BenchError)) throw error;
        console.error(error);
        failures.push(`${name}, round ${round}: \`${error.code}\``);
      } finally {
        await bench.close();
      }
    }
  }
  return { results, failures };
}

/** What the page shows is kept beside this file; looks are not. */
function resultsFile({ name }: Scenario): string {
  const folder = writes ? join(import.meta.dirname, "results") : join(root, ".cache", "bench");
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.jsonl`);
}

/** Formatted as it is written: the check of the format would refuse what the tables look like before. */
function writePage({ name }: Scenario, section: string): void {
  writeFileSync(page, withSection(readFileSync(page, "utf8"), name, section));
  const { status } = spawnSync(join(root, "node_modules", ".bin", "oxfmt"), [page], { cwd: root, stdio: "inherit" });
  if (status === 0) return;
  throw new BenchError("format_failed", `${page} is written, but not formatted (exit ${status}): npm run format`);
}

if (!values.source) build();
const stores = new Stores();
try {
  for (const scenario of asked) {
    const { results, failures } = await measure(stores, scenario);
    if (failures.length > 0) process.exitCode = 1;
    const section = sectionOf(scenario, results, failures);
    console.log(`\n${scenario.name}\n\n${section}\n`);
    if (writes) writePage(scenario, section);
  }
} finally {
  await stores.stop();
}
