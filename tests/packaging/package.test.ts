import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What a stranger does first: `npm install` of what `npm pack` makes, in an empty project, strict, without our checkout. */

const root = join(import.meta.dirname, "../..");
const packageFolder = join(root, "packages/jobs");
const example = join(import.meta.dirname, "example");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  devDependencies: Record<string, string>;
};
const run = promisify(execFile);

let folder: string;
let listed: string[];

async function npm(args: string[], cwd: string): Promise<string> {
  const { stdout } = await run("npm", args, { cwd, timeout: 120_000, shell: process.platform === "win32" });
  return stdout;
}

async function node(args: string[]): Promise<{ stdout: string; stderr: string }> {
  // `--conditions` of the test's own process must not reach the stranger's.
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return await run(process.execPath, args, { cwd: folder, timeout: 60_000, env });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "provost-package-"));
  // `prepack` builds it.
  const packed = JSON.parse(await npm(["pack", "--json", "--silent", "--pack-destination", folder], packageFolder)) as [
    { filename: string; files: { path: string }[] },
  ];
  listed = packed[0].files.map(({ path }) => path);
  cpSync(example, folder, { recursive: true });
  const { typescript, "@types/node": nodeTypes } = manifest.devDependencies;
  const wanted = [`./${packed[0].filename}`, `typescript@${typescript}`, `@types/node@${nodeTypes}`];
  await npm(["install", "--prefer-offline", "--no-audit", "--no-fund", ...wanted], folder);
}, 180_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("npm pack of @provost/jobs", { timeout: 90_000 }, () => {
  test("holds what was built, no source and no test", () => {
    expect(listed).toContain("dist/index.js");
    expect(listed).toContain("dist/index.d.ts");
    const strange = listed.filter((path) => !/^(dist\/.+(\.js|\.d\.ts)|package\.json|README\.md|LICENSE)$/.test(path));
    expect(strange).toEqual([]);
    expect(listed.filter((path) => path.includes(".test."))).toEqual([]);
  });

  test("every entry point of package.json is there", () => {
    const installed = join(folder, "node_modules/@provost/jobs");
    const { exports } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
      exports: Record<string, { types: string; default: string }>;
    };
    expect(Object.keys(exports).length).toBeGreaterThan(4);
    for (const { types, default: code } of Object.values(exports)) {
      expect(existsSync(join(installed, types)), types).toBe(true);
      expect(existsSync(join(installed, code)), code).toBe(true);
    }
  });

  test("brings no test runner along: those of the conformance suite are optional peers", () => {
    const modules = readdirSync(join(folder, "node_modules"));
    expect(modules).not.toContain("vitest");
    expect(modules).not.toContain("fast-check");
  });

  test("type-checks in a strict project, its own declarations included", async () => {
    const args = ["node_modules/typescript/bin/tsc", "-p", "."];
    const said = await node(args).catch((error: { stdout: string }) => error);
    expect(said.stdout).toBe("");
  });

  test("runs on this Node and ends: inline, thread and child, and every entry point that needs no test runner", async () => {
    const { stdout, stderr } = await node(["main.ts"]);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual([
      "inline: hello Ada",
      "thread: hello Ada",
      "process: hello Ada",
      "testManager: hello Ada",
      "postgres: started only on demand",
    ]);
  });

  test("the conformance suite says which peer is missing", async () => {
    writeFileSync(join(folder, "suite.ts"), 'await import("@provost/jobs/testing");\n');
    await expect(node(["suite.ts"])).rejects.toMatchObject({ stderr: expect.stringMatching(/'(vitest|fast-check)'/) });
  });
});
