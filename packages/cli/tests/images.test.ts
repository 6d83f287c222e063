import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Provost } from "./provost.ts";

const root = join(import.meta.dirname, "../../..");
const guide = readFileSync(join(root, "docs/guides/images.md"), "utf8");
const provost = new Provost();

/** `npx provost` of the examples is the command of this checkout. */
beforeAll(async () => {
  const bin = join(provost.data, "bin");
  mkdirSync(bin);
  const shim = `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(root, "packages/cli/bin/provost.mjs")}' "$@"\n`;
  writeFileSync(join(bin, "npx"), shim);
  chmodSync(join(bin, "npx"), 0o755);
  const server = provost.begin(["start", "--no-first-deploy"]);
  await server.says("Ctrl-C stops everything");
});
afterAll(() => provost.dispose());

/** The page's blocks in order: a program, and what it prints where that is shown. */
const blocks = [...guide.matchAll(/^```(sh)?\n(.*?)^```$/gms)].map(([, language, body = ""]) => ({ language, body }));

async function run(program: string): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${join(provost.data, "bin")}:${process.env["PATH"]}`,
    PROVOST_DATA: provost.data,
  };
  const { stdout, stderr } = await promisify(execFile)("/bin/sh", ["-e", "-c", program], { cwd: provost.data, env });
  return stdout + stderr;
}

/** Times, ages and widths are another day's. */
function plain(text: string): string[] {
  return text
    .split("\n")
    .map((line) =>
      line
        .replaceAll(/\d+(\.\d+)? (s|min|h)( \d\d (s|min))?\b/g, "N")
        .replaceAll(/ +/g, " ")
        .trim(),
    )
    .filter(Boolean);
}

test("C2: the guide's examples run in order and print what stands under them", async () => {
  const programs = blocks.filter(({ language }) => language === "sh");
  expect(programs.length).toBeGreaterThan(4);
  for (const [index, { language, body }] of blocks.entries()) {
    if (language !== "sh") continue;
    const printed = plain(await run(body));
    const shown = blocks[index + 1];
    if (shown === undefined || shown.language === "sh") continue;
    for (const line of plain(shown.body)) expect(printed, `${body}\n${printed.join("\n")}`).toContain(line);
  }
  const all = await provost.run(["instance", "list"]);
  expect(all.stdout).toMatch(/^web-1 /m);
  expect(all.stdout).not.toContain("golden-1:");
  expect((await provost.run(["instance", "list", "--all"])).stdout).toContain("golden-1:");
  expect((await provost.run(["image", "delete", "golden-1"])).stderr).toMatch(/\[image_in_use\]/);
}, 180_000);

test("C7, C11: a provider shows budgets, and that it answers; there is no brake to release", async () => {
  const shown = await provost.run(["provider", "show", "sandbox"]);
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect(shown.stdout).toMatch(/^CALLS +LEFT +WINDOW +ALL FREE +WAITING +PAUSED$/m);
  expect(shown.stdout).toMatch(/^create +\d+ of \d+ /m);
  expect(shown.stdout).toContain("It answers");
  expect(await provost.run(["provider", "resume", "sandbox"])).toMatchObject({ code: 0 });
  const types = await provost.run(["provider", "catalog", "sandbox", "types", "--refresh"]);
  expect(types.stdout).toMatch(/^g6-nanode-1 +1 +1 GB +25 GB +\$5 +\$0\.0075 /m);
});
