import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transporter } from "../transporter.ts";
import { transporterSuite } from "../../testing/transporter.testsuite.ts";
import { sqlite } from "./index.ts";

transporterSuite({
  name: "SQLite",
  // CI takes the time for what a quick run leaves to it.
  modelRuns: process.env["CI"] ? 1_000 : 50,
  async create() {
    const folder = await mkdtemp(join(tmpdir(), "provost-jobs-"));
    const open = async (): Promise<Transporter> => {
      const transporter = sqlite(join(folder, "jobs.db"), { pollMs: 10 });
      await transporter.start();
      return transporter;
    };
    return {
      transporter: await open(),
      other: open,
      dispose: () => rm(folder, { recursive: true }),
    };
  },
});
