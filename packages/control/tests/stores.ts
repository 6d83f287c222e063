import { postgres } from "@provost/jobs/postgres";
import { postgresMissing, startThrowawayPostgres, type ThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { Client } from "pg";
import { afterAll, describe, test } from "vitest";
import { sqliteStore, type TestStore } from "./world.ts";

let server: Promise<ThrowawayPostgres> | undefined;
let databases = 0;

/** One throwaway server for a test file, a database of its own for each world. */
const postgresStore: TestStore = {
  name: "PostgreSQL",
  jobTables: ["unique_key", "flow", "stage", "job"].map((table) => `provost_jobs.${table}`),
  async open() {
    server ??= startThrowawayPostgres();
    const { url } = await server;
    databases += 1;
    const name = `world_${databases}`;
    const admin = new Client({ connectionString: url });
    await admin.connect();
    await admin.query(`create database ${name}`);
    await admin.end();
    const own = new URL(url);
    own.pathname = `/${name}`;
    // The whole server goes with the file's last test: nothing to dispose of here.
    return { transporter: () => postgres(own.href), dispose: async () => {} };
  },
};

const missing = postgresMissing();

/** Every store that the control plane's tests run on here. */
export const stores: TestStore[] = missing === undefined ? [sqliteStore, postgresStore] : [sqliteStore];

if (missing === undefined) {
  afterAll(async () => {
    await (await server)?.stop();
    server = undefined;
  });
} else {
  describe("PostgreSQL", () => {
    test.skip(missing, () => {});
  });
}
