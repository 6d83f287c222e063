import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transporter } from "@provost/jobs";
import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";
import { startThrowawayPostgres, type ThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { afterAll, beforeAll } from "vitest";
import type { TransporterSuite } from "../../../packages/jobs/src/testing/fixture.ts";

const modelRuns = Number(process.env["MODEL_RUNS"]);

/** Runs a model of the conformance suite on the store, and as often, as `prove.ts` was asked for. `open` gives further connections. */
export function onStore(model: (suite: TransporterSuite) => void): void {
  if (process.env["MODEL_STORE"] === "SQLite") onSqlite(model);
  else onPostgres(model);
}

async function started(transporter: Transporter): Promise<Transporter> {
  await transporter.start();
  return transporter;
}

function onSqlite(model: (suite: TransporterSuite) => void): void {
  model({
    name: "SQLite",
    modelRuns,
    create: async () => {
      const folder = mkdtempSync(join(tmpdir(), "provost-model-"));
      const open = (): Promise<Transporter> => started(sqlite(join(folder, "jobs.db")));
      return { transporter: await open(), other: open, dispose: async () => rmSync(folder, { recursive: true }) };
    },
  });
}

function onPostgres(model: (suite: TransporterSuite) => void): void {
  let server: ThrowawayPostgres | undefined;
  let schemas = 0;
  // No binaries: it throws, and the proof fails.
  beforeAll(async () => {
    server = await startThrowawayPostgres();
  });
  afterAll(async () => await server?.stop());
  model({
    name: "PostgreSQL",
    modelRuns,
    create: async () => {
      schemas += 1;
      const options = { connectionString: server?.url ?? "", schema: `model_${schemas}` };
      const open = (): Promise<Transporter> => started(postgres(options));
      return { transporter: await open(), other: open, dispose: async () => undefined };
    },
  });
}
