import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryFolder } from "./harness.ts";

/** Where the package's source stands. */
function here(module: string): string {
  return new URL(`../../src/${module}`, import.meta.url).href;
}

test("the README's first example runs as it stands", async () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const [, example = ""] = /```ts\n(.*?)```/s.exec(readme) ?? [];
  const folder = temporaryFolder();
  // Outside the workspace the package's name does not resolve; nothing else is changed.
  const script = example
    .replace('"@provost/jobs"', JSON.stringify(here("index.ts")))
    .replace('"@provost/jobs/sqlite"', JSON.stringify(here("transporters/sqlite/index.ts")));
  writeFileSync(join(folder, "example.ts"), script);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const run = promisify(execFile)(process.execPath, ["--conditions=source", "example.ts"], {
    cwd: folder,
    timeout: 20_000,
  });
  await expect(run).resolves.toMatchObject({ stdout: "web-1 is up \n" });
});
