import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["e2e/jobs/model/*.e2e.ts"],
    pool: "forks",
    execArgv: ["--conditions=source"],
    // One process for each model.
    maxWorkers: 4,
    // Bounds each model; ten thousand runs take minutes.
    testTimeout: 3_600_000,
    hookTimeout: 1_200_000,
    reporters: ["verbose"],
  },
});
