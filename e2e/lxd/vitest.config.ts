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
    // One daemon, one bridge: the proofs run one after the other.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 900_000,
    reporters: ["verbose"],
  },
});
