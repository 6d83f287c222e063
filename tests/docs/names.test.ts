import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

/**
 * Every name that an entry point of @provost/jobs exports has a doc comment, or stands in the package's documents. Read from the
 * source's text: TypeScript 7 has no compiler API.
 */

const root = join(import.meta.dirname, "../..");
const packageFolder = join(root, "packages/jobs");
const documents = [
  "packages/jobs/README.md",
  "docs/jobs/guide.md",
  "docs/jobs/states.md",
  "docs/jobs/coming-from.md",
  "docs/adr/0002-transporter-contract.md",
]
  .map((file) => join(root, file))
  .filter((file) => existsSync(file))
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

interface Exported {
  name: string;
  file: string;
  /** There is a doc comment right above its declaration. */
  commented: boolean;
}

const declaration =
  /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*)?^export (?:declare )?(?:async )?(?:abstract )?(?:function|class|interface|type|const|enum) (\w+)/gm;
const list = /^export (?:type )?\{([^}]*)\} from "([^"]+)";/gm;
const star = /^export (?:type )?\* from "([^"]+)";/gm;

function declaredIn(file: string): Map<string, Exported> {
  const found = new Map<string, Exported>();
  for (const [, comment, name = ""] of readFileSync(file, "utf8").matchAll(declaration)) {
    // Overloads: the comment stands above the first.
    const commented = comment !== undefined || found.get(name)?.commented === true;
    found.set(name, { name, file, commented });
  }
  return found;
}

function exportsOf(file: string): Exported[] {
  const text = readFileSync(file, "utf8");
  const found = [...declaredIn(file).values()];
  for (const [, path = ""] of text.matchAll(star)) found.push(...exportsOf(join(dirname(file), path)));
  for (const [, names = "", path = ""] of text.matchAll(list)) {
    const there = exportsOf(join(dirname(file), path));
    for (const each of names.split(",")) {
      const name = each.trim().replace(/^type /, "");
      if (name === "") continue;
      const one = there.find((candidate) => candidate.name === name);
      expect(one, `${name} of ${path}`).toBeDefined();
      if (one !== undefined) found.push(one);
    }
  }
  return found;
}

const { exports } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as {
  exports: Record<string, { source: string }>;
};

describe("the public names of @provost/jobs", () => {
  test.for(Object.entries(exports))("%s: none is undocumented", ([, { source }]) => {
    const names = exportsOf(join(packageFolder, source));
    expect(names.length).toBeGreaterThan(0);
    const silent = names.filter(({ name, commented }) => !commented && !new RegExp(`\\b${name}\\b`).test(documents));
    expect(silent.map(({ name, file }) => `${name} (${file.slice(root.length + 1)})`)).toEqual([]);
  });

  test("what is neither commented nor in a document would be found", () => {
    const names = exportsOf(join(packageFolder, "src/index.ts")).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["defineJob", "JobManager", "JobsError", "Transporter"]));
    const overloads = "/** Says. */\nexport function one(): void;\nexport function two(): void;\n";
    const found = [...overloads.matchAll(declaration)].map(([, comment, name]) => [name, comment !== undefined]);
    expect(found).toEqual([
      ["one", true],
      ["two", false],
    ]);
  });
});
