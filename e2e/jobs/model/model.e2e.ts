import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transporter } from "@provost/jobs";
import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";
import { startThrowawayPostgres, type ThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { afterAll, beforeAll } from "vitest";
import type { TransporterSuite } from "../../../packages/jobs/src/testing/fixture.ts";
import { flowModelSuite } from "../../../packages/jobs/src/testing/flow-model.testsuite.ts";
import { limitsModelSuite } from "../../../packages/jobs/src/testing/limits-model.testsuite.ts";
import { modelSuite } from "../../../packages/jobs/src/testing/model.testsuite.ts";
import { permitsModelSuite } from "../../../packages/jobs/src/testing/permits-model.testsuite.ts";

/** The conformance suite's models with as many runs as asked for; see `prove.ts`. */

const runs = { sqlite: Number(process.env["MODEL_RUNS"]), postgres: Number(process.env["MODEL_RUNS_POSTGRES"]) };

/** Every law's model on a store; a store's `open` is called for each model, and for the second connection of those that take one. */
function models(suite: TransporterSuite): void {
  modelSuite(suite);
  flowModelSuite(suite);
  limitsModelSuite(suite);
  permitsModelSuite(suite);
}

async function started(transporter: Transporter): Promise<Transporter> {
  await transporter.start();
  return transporter;
}

if (runs.sqlite > 0) {
  models({
    name: "SQLite",
    modelRuns: runs.sqlite,
    create: async () => {
      const folder = mkdtempSync(join(tmpdir(), "provost-model-"));
      const open = (): Promise<Transporter> => started(sqlite(join(folder, "jobs.db")));
      return { transporter: await open(), other: open, dispose: async () => rmSync(folder, { recursive: true }) };
    },
  });
}

if (runs.postgres > 0) {
  let server: ThrowawayPostgres | undefined;
  let schemas = 0;
  // No binaries: it throws, and the proof fails.
  beforeAll(async () => {
    server = await startThrowawayPostgres();
  });
  afterAll(async () => await server?.stop());
  models({
    name: "PostgreSQL",
    modelRuns: runs.postgres,
    create: async () => {
      schemas += 1;
      const options = { connectionString: server?.url ?? "", schema: `model_${schemas}` };
      const open = (): Promise<Transporter> => started(postgres(options));
      return { transporter: await open(), other: open, dispose: async () => undefined };
    },
  });
}
