import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["packages/*/{src,tests}/**/*.test.ts", "tests/**/*.test.ts"],
    pool: "forks",
    // Real servers and worker threads live inside the tests: a child process needs the condition too.
    execArgv: ["--conditions=source"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
