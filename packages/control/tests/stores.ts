import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transporter } from "@provost/jobs";
import { postgres } from "@provost/jobs/postgres";
import { sqlite } from "@provost/jobs/sqlite";
import { postgresMissing, startThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { afterAll, describe, test } from "vitest";
import type { TestStore } from "./world.ts";

interface Place {
  /** A path, or a URL. */
  location: string;
  transporter: () => Transporter;
  dispose: () => Promise<void>;
}

/** One place for a test file, made at the first use. */
function storeAt(name: string, jobTables: readonly string[], make: () => Promise<Place>): TestStore {
  let made: Promise<{ place: Place; transporter: Transporter }> | undefined;
  const open = async () => {
    const place = await make();
    const transporter = place.transporter();
    await transporter.start();
    return { place, transporter };
  };
  return {
    name,
    jobTables,
    async shared() {
      made ??= open();
      return (await made).transporter;
    },
    async another() {
      made ??= open();
      return (await made).place.transporter();
    },
    async location() {
      made ??= open();
      return (await made).place.location;
    },
    async close() {
      const opened = await made;
      await opened?.transporter.stop();
      await opened?.place.dispose();
    },
  };
}

const sqliteStore = storeAt("SQLite", ["jobs_unique", "jobs_stage", "jobs_job", "jobs_flow"], async () => {
  const folder = await mkdtemp(join(tmpdir(), "provost-control-"));
  const location = join(folder, "provost.db");
  return {
    location,
    transporter: () => sqlite(location),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});

const postgresTables = ["unique_key", "stage", "job", "flow"].map((table) => `provost_jobs.${table}`);
const postgresStore = storeAt("PostgreSQL", postgresTables, async () => {
  const server = await startThrowawayPostgres();
  return { location: server.url, transporter: () => postgres(server.url), dispose: () => server.stop() };
});

const missing = postgresMissing();

/** Every store that the control plane's tests run on here. */
export const stores: TestStore[] = missing === undefined ? [sqliteStore, postgresStore] : [sqliteStore];

afterAll(async () => {
  for (const store of stores) await store.close();
});

if (missing !== undefined) {
  describe("PostgreSQL", () => {
    test.skip(missing, () => {});
  });
}
