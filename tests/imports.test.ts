import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";

/** HOUSE.md's layout, held by a test: who may import whom, no circles, files that fit on a few screens. */

const root = join(import.meta.dirname, "..");

/** An arrow is "may import"; nothing else may. Tests and benches may import anything of ours. */
const mayImport: Record<string, string[]> = {
  jobs: [],
  contract: [],
  sandbox: [],
  control: ["jobs", "contract"],
  server: ["control", "jobs", "contract"],
  cli: ["contract", "server", "sandbox"],
  dashboard: ["contract"],
};
/** The command loads these only when it starts them. */
const lazily: Record<string, string[]> = { cli: ["server", "sandbox"] };

const linesMax = { source: 400, test: 800 };

interface Import {
  from: string;
  to: string;
  /** Gone at run time, or loaded later: neither can close a circle. */
  kind: "static" | "type" | "dynamic";
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mjs)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[\\/](node_modules|dist)[\\/]/.test(file));
}

const packages = readdirSync(join(root, "packages"));
const sources = packages.flatMap((name) => filesUnder(join(root, "packages", name, "src")));
const testFolders = packages.map((name) => join(root, "packages", name, "tests")).filter((folder) => exists(folder));
const tests = testFolders.flatMap(filesUnder);

function exists(folder: string): boolean {
  return readdirSync(dirname(folder)).includes("tests");
}

function isTest(file: string): boolean {
  return /\.(test|testsuite)\.tsx?$/.test(file) || /[\\/](tests|testing)[\\/]/.test(file);
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|(?<![:"'`\w/])\/\/.*$/gm, "");
  const found: Import[] = [];
  for (const [, type, clause, to] of text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?([\w*{}\s,$]*?(?:\}|\w|\*)\s+from\s+)?["']([^"'\n]+)["']/gm,
  )) {
    if (to !== undefined)
      found.push({ from: file, to, kind: type !== undefined || onlyTypes(clause) ? "type" : "static" });
  }
  for (const [, to] of text.matchAll(/\bimport\(\s*["']([^"'\n]+)["']\s*\)/g)) {
    if (to !== undefined) found.push({ from: file, to, kind: "dynamic" });
  }
  return found;
}

/** `import { type A, type B } from` leaves nothing at run time that could be used in a circle. */
function onlyTypes(clause: string | undefined): boolean {
  const names = /\{([^}]*)\}/
    .exec(clause ?? "")?.[1]
    ?.split(",")
    .map((name) => name.trim());
  const named = names?.filter((name) => name !== "") ?? [];
  return named.length > 0 && named.every((name) => name.startsWith("type "));
}

function packageOf(file: string): string {
  return relative(join(root, "packages"), file).split(/[\\/]/)[0] ?? "";
}

const imports = sources.flatMap(importsOf);

describe("import direction (HOUSE: an arrow is `may import`; nothing else may)", () => {
  test("every package has its place in the layout", () => {
    expect(packages.filter((name) => !Object.hasOwn(mayImport, name))).toEqual([]);
    expect(imports.length).toBeGreaterThan(100);
  });

  test.each(packages)("%s imports only what it may", (name) => {
    const wrong = imports
      .filter(({ from, to }) => packageOf(from) === name && to.startsWith("@provost/") && !isTest(from))
      .filter(({ to }) => {
        const target = to.split("/")[1] ?? "";
        return target !== name && !mayImport[name]?.includes(target);
      });
    expect(wrong.map(({ from, to }) => `${relative(root, from)} → ${to}`)).toEqual([]);
  });

  test("no package reaches into another one's files", () => {
    const wrong = imports.filter(
      ({ from, to }) => to.startsWith(".") && packageOf(join(dirname(from), to)) !== packageOf(from),
    );
    expect(
      wrong.filter(({ to }) => !to.endsWith("package.json")).map(({ from, to }) => `${relative(root, from)} → ${to}`),
    ).toEqual([]);
  });

  test("the command loads server and sandbox only when it starts them", () => {
    const eager = imports.filter(
      ({ from, to, kind }) => kind === "static" && lazily[packageOf(from)]?.some((name) => to === `@provost/${name}`),
    );
    expect(eager.map(({ from, to }) => `${relative(root, from)} → ${to}`)).toEqual([]);
  });

  test("C1 drivers are named in their own folders and the registry only", () => {
    const drivers = readdirSync(join(root, "packages/control/src/providers"), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== "testing")
      .map(({ name }) => name);
    expect(drivers.length).toBeGreaterThan(0);
    const wrong = imports.filter(({ from, to }) => {
      const inside = relative(join(root, "packages/control/src"), from);
      return (
        packageOf(from) === "control" &&
        !isTest(from) &&
        inside !== join("providers", "registry.ts") &&
        drivers.some((name) => !inside.startsWith(join("providers", name)) && new RegExp(`/${name}/`).test(`/${to}`))
      );
    });
    expect(wrong.map(({ from, to }) => `${relative(root, from)} → ${to}`)).toEqual([]);
  });
});

describe("no circles between files", () => {
  test("static imports form no circle", () => {
    const edges = new Map<string, string[]>();
    for (const { from, to, kind } of imports) {
      if (kind !== "static" || !to.startsWith(".")) continue;
      edges.set(from, [...(edges.get(from) ?? []), join(dirname(from), to)]);
    }
    expect(circleIn(edges)?.map((file) => relative(root, file))).toBeUndefined();
  });

  test("a circle would be found", () => {
    const edges = new Map([
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["d", ["a"]],
    ]);
    expect(circleIn(edges)).toEqual(["a", "b", "d", "a"]);
  });
});

function circleIn(edges: Map<string, string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of edges.get(file) ?? []) {
      const circle = visit(next, [...path, file]);
      if (circle !== undefined) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const circle = visit(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

describe("files (HOUSE, style 1 and 2)", () => {
  test("none is longer than its limit", () => {
    const long = [...sources, ...tests, ...filesUnder(import.meta.dirname)]
      .map((file) => ({ file, lines: readFileSync(file, "utf8").split("\n").length - 1 }))
      .filter(({ file, lines }) => lines > (isTest(file) ? linesMax.test : linesMax.source));
    expect(long.map(({ file, lines }) => `${relative(root, file)}: ${lines}`)).toEqual([]);
  });

  test("there are no junk drawers", () => {
    const junk = sources.filter((file) => /[\\/](utils?|helpers?|common|misc|types)(\.ts|[\\/])/.test(file));
    expect(junk.map((file) => relative(root, file))).toEqual([]);
  });
});
