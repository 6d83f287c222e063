import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../manager/harness.ts";

const packageFolder = join(import.meta.dirname, "../..");
const root = join(packageFolder, "../..");

const jobsModule = `
import { defineJob } from "@provost/jobs";
const isolated = (process) =>
  defineJob(process, {
    process,
    module: import.meta.url,
    run: ({ fence }) => {
      console.log("printed in a " + process);
      return { fence, own: globalThis.process.pid };
    },
  });
export const jobs = [isolated("thread"), isolated("process")];
`;

const mainModule = `
import { JobManager } from "@provost/jobs";
import { sqlite } from "@provost/jobs/sqlite";
import { jobs } from "./jobs.mjs";
const transporter = sqlite("jobs.db");
const ends = [];
const both = Promise.withResolvers();
const log = (event) => {
  if (event.event === "job.output" || event.event === "service.error") console.log(JSON.stringify(event));
  if (event.event === "attempt.settled" && ends.push(event.jobId) === 2) both.resolve();
};
const manager = new JobManager({ transporter, jobs, log });
await manager.start();
for (const job of jobs) await manager.enqueue(job);
await both.promise;
for (const id of ends) console.log(JSON.stringify(await manager.get(id)));
await manager.stop();
await transporter.stop();
`;

/** The package as it is installed: what \`tsc\` makes of it, its package.json, its dependencies beside it. */
async function installedIn(folder: string): Promise<void> {
  const modules = join(folder, "node_modules");
  const installed = join(modules, "@provost/jobs");
  mkdirSync(installed, { recursive: true });
  const manifest = readFileSync(join(packageFolder, "package.json"), "utf8");
  writeFileSync(join(installed, "package.json"), manifest);
  const { dependencies } = JSON.parse(manifest) as { dependencies: Record<string, string> };
  for (const name of Object.keys(dependencies)) {
    const target = join(modules, name);
    mkdirSync(dirname(target), { recursive: true });
    symlinkSync(join(root, "node_modules", name), target);
  }
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      outDir: join(folder, "dist"),
      rootDir: join(packageFolder, "src"),
      typeRoots: [],
    },
    include: [join(packageFolder, "src")],
    exclude: [join(packageFolder, "src/testing"), join(packageFolder, "src/**/*.test.ts")],
  };
  // Beside the package, so that the compiler finds what it imports.
  const configFile = join(folder, "tsconfig.json");
  writeFileSync(configFile, JSON.stringify({ ...config, compilerOptions: { ...config.compilerOptions, types: [] } }));
  // Types are checked elsewhere: what is wanted here is what it emits.
  await new Promise<void>((resolve) => {
    execFile(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", configFile], () => resolve());
  });
  cpSync(join(folder, "dist"), join(installed, "dist"), { recursive: true });
}

test("L9: compiled JavaScript in an installed package: threads, children, and the lease thread", async () => {
  const folder = temporaryFolder();
  await installedIn(folder);
  writeFileSync(join(folder, "jobs.mjs"), jobsModule);
  writeFileSync(join(folder, "main.mjs"), mainModule);
  const program = spawn(process.execPath, ["main.mjs"], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [program.stdout, program.stderr])
    stream.on("data", (text: Buffer) => (output += text.toString()));
  const [code] = (await once(program, "close")) as [number];
  const lines = output
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  expect(code).toBe(0);
  expect(lines).toHaveLength(4);
  for (const kind of ["thread", "process"]) {
    expect(lines).toContainEqual(expect.objectContaining({ event: "job.output", line: `printed in a ${kind}` }));
    expect(lines).toContainEqual(expect.objectContaining({ name: kind, status: "processed", fence: 1 }));
  }
});
