import { configDefaults, defineConfig } from "vitest/config";
import { slowTests } from "./vitest.slow.ts";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["packages/*/{src,tests}/**/*.test.ts", "tests/**/*.test.ts", "bench/harness/*.test.ts"],
    exclude: [...configDefaults.exclude, ...slowTests],
    pool: "forks",
    // They mostly wait: for boots, leases and processes of their own. One worker for each core leaves the cores idle.
    maxWorkers: 4,
    // Real servers and worker threads live inside the tests: a child process needs the condition too.
    execArgv: ["--conditions=source"],
    // Bounds that end a test which cannot succeed; a busy machine makes good ones slow (30 s was met at a load of 15 on 2 cores).
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
