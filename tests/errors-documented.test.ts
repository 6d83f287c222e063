import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errorKinds, failureKinds } from "@provost/contract";
import { jobsErrorCodes } from "@provost/jobs";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const document = readFileSync(join(root, "docs/errors.md"), "utf8");

/** The codes of a union type, which leaves nothing to import. */
function unionIn(file: string, name: string): string[] {
  const text = readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  const union = new RegExp(`export type ${name} =([^;]*);`).exec(text)?.[1] ?? "";
  return [...union.matchAll(/"([a-z_]+)"/g)].map(([, code]) => code ?? "");
}

/** The first cells of the table under a heading, and its rows. */
function rowsUnder(heading: string): { code: string; cells: string[] }[] {
  const section = document.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? "";
  return [...section.matchAll(/^\| `([a-z_]+)` +\|(.*)\|$/gm)].map(([, code, rest]) => ({
    code: code ?? "",
    cells: (rest ?? "").split("|").map((cell) => cell.trim()),
  }));
}

const lists: [heading: string, codes: readonly string[]][] = [
  ["Answers of the API and the command", Object.keys(errorKinds)],
  ["Why an instance failed", Object.keys(failureKinds)],
  [
    "What a provider's driver reports",
    unionIn("packages/control/src/providers/provider-error.ts", "ProviderErrorCode"),
  ],
  ["The job manager", jobsErrorCodes],
  ["The boot script", unionIn("packages/control/src/boot/boot-script-error.ts", "BootScriptErrorCode")],
  ["The sandbox", unionIn("packages/sandbox/src/errors.ts", "SandboxErrorCode")],
];

describe("docs/errors.md", () => {
  test.each(lists)("%s: every code is documented, and every documented code exists", (heading, codes) => {
    expect(codes.length).toBeGreaterThan(2);
    expect(rowsUnder(heading).map(({ code }) => code)).toEqual([...codes]);
  });

  test("C14 status and exit code are those that the API and the command give", () => {
    for (const { code, cells } of rowsUnder("Answers of the API and the command")) {
      const kind = Object.entries(errorKinds).find(([name]) => name === code)?.[1];
      expect(cells.slice(0, 2), code).toEqual([String(kind?.status), String(kind?.exit)]);
    }
  });

  test("every row says what it means and what to do", () => {
    for (const [heading] of lists) {
      for (const { code, cells } of rowsUnder(heading)) {
        expect(cells.at(-1)?.length, code).toBeGreaterThan(10);
        expect(cells.at(-2), code).not.toBe("");
      }
    }
  });
});
