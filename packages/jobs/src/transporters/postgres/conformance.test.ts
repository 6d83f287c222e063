import { describe } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import { transporterSuite } from "../../testing/transporter.testsuite.ts";
import { settingsOf } from "./options.ts";
import { PostgresTransporter } from "./postgres.ts";

describe.skipIf(skipReason !== undefined)("PostgreSQL keeps the laws", () => {
  const test = new TestServer();
  transporterSuite({
    name: "PostgreSQL",
    modelRuns: process.env["CI"] ? 200 : 20,
    create: async () => {
      const schema = test.freshSchema();
      // The marks move with every claim.
      const open = (): PostgresTransporter =>
        new PostgresTransporter({ ...settingsOf({ connectionString: test.server.url, schema }), lowWaterJobs: 1 });
      const transporter = open();
      await transporter.start();
      return {
        transporter,
        other: async () => {
          const other = open();
          await other.start();
          return other;
        },
        // The schema goes with the server.
        dispose: async () => undefined,
      };
    },
  });
});
