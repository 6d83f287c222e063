import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    root: import.meta.dirname,
    include: ["**/*.e2e.ts"],
    globalSetup: ["./setup.ts"],
    pool: "forks",
    execArgv: ["--conditions=source"],
    // A browser, a server and a cloud for each: one for each core, or they would wait for one another's.
    maxWorkers: 2,
    // Bounds that end a test which cannot succeed.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    reporters: ["verbose"],
  },
});
