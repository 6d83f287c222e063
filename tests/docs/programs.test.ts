import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { postgresMissing, startThrowawayPostgres, type ThrowawayPostgres } from "@provost/jobs/testing/postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** The programs of docs/jobs run as they stand: each in a folder of its own, and prints what stands under it. */

const root = join(import.meta.dirname, "../..");
const pages = ["guide.md", "coming-from.md"];
const run = promisify(execFile);

interface Program {
  heading: string;
  files: { name: string; code: string }[];
  prints: string;
  needsPostgres: boolean;
}

/** A block that begins with a file's name belongs to the program behind it. */
function programsOf(text: string): Program[] {
  const programs: Program[] = [];
  for (const section of text.split(/^## /m)) {
    const heading = section.slice(0, section.indexOf("\n"));
    let files: Program["files"] = [];
    for (const [, language, body = ""] of section.matchAll(/^```(ts|text)\n(.*?)^```$/gms)) {
      const last = programs.at(-1);
      if (language === "text" && last !== undefined) last.prints = body;
      if (language !== "ts") continue;
      const name = /^\/\/ (\S+\.ts)\n/.exec(body)?.[1];
      files.push({ name: name ?? "example.ts", code: body });
      if (name !== undefined) continue;
      programs.push({ heading, files, prints: "", needsPostgres: body.includes("DATABASE_URL") });
      files = [];
    }
  }
  return programs;
}

const programs = pages.flatMap((page) => programsOf(readFileSync(join(root, "docs/jobs", page), "utf8")));
const missing = postgresMissing();
const here = programs.filter(({ needsPostgres }) => !needsPostgres || missing === undefined);
let folder: string;
let server: ThrowawayPostgres | undefined;

function folderOf(program: Program): string {
  return join(folder, String(programs.indexOf(program)));
}

async function printed(program: Program): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, ["--conditions=source", "example.ts"], {
    cwd: folderOf(program),
    timeout: 60_000,
    env: { ...process.env, ...(program.needsPostgres ? { DATABASE_URL: server?.url } : {}) },
  });
  return stdout + stderr;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "provost-guide-"));
  // As it is installed, with the checkout in the place of what is packed.
  mkdirSync(join(folder, "node_modules/@provost"), { recursive: true });
  symlinkSync(join(root, "packages/jobs"), join(folder, "node_modules/@provost/jobs"), "junction");
  symlinkSync(join(root, "node_modules/@types"), join(folder, "node_modules/@types"), "junction");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const config = { extends: join(root, "tsconfig.json"), include: ["*/*.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  for (const program of programs) {
    mkdirSync(folderOf(program));
    for (const { name, code } of program.files) writeFileSync(join(folderOf(program), name), code);
  }
  if (missing === undefined) server = await startThrowawayPostgres();
});

afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("docs/jobs", { timeout: 120_000 }, () => {
  test("has programs, and says what each prints", () => {
    expect(programs.length).toBeGreaterThan(16);
    for (const { heading, prints } of programs) expect(prints, heading).not.toBe("");
  });

  test("programs type-check, strictly", async () => {
    const args = [join(root, "node_modules/typescript/bin/tsc"), "-p", folder];
    const said = await run(process.execPath, args).catch((error: { stdout: string }) => error);
    expect(said.stdout).toBe("");
  });

  test.for(here.map((program) => [program.heading, program] as const))("%s: runs as it stands", async ([, program]) => {
    expect(await printed(program)).toBe(program.prints);
  });

  if (missing !== undefined) test.skip(`programs on PostgreSQL: ${missing}`, () => undefined);
});
