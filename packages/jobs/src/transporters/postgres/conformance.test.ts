import { describe } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import { transporterSuite } from "../../testing/transporter.testsuite.ts";

describe.skipIf(skipReason !== undefined)("PostgreSQL keeps the laws", () => {
  const test = new TestServer();
  transporterSuite({
    name: "PostgreSQL",
    modelRuns: process.env["CI"] ? 200 : 20,
    create: async () => {
      const schema = test.freshSchema();
      const transporter = test.transporter(schema);
      await transporter.start();
      return {
        transporter,
        other: async () => {
          const other = test.transporter(schema);
          await other.start();
          return other;
        },
        // The schema goes with the server.
        dispose: async () => undefined,
      };
    },
  });
});
