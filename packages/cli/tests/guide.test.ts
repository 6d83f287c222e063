import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../src/index.ts";

const guide = readFileSync(join(import.meta.dirname, "../../../docs/guides/cli.md"), "utf8");

async function help(args: string[]): Promise<string> {
  let text = "";
  await run([...args, "--help"], {
    env: {},
    interrupted: new AbortController().signal,
    command: "provost",
    terminal: {
      out: (each) => (text += each),
      err: (each) => (text += each),
      isTty: false,
      colour: false,
      columns: () => 80,
      ask: () => Promise.resolve(undefined),
    },
  });
  return text
    .replace(/\nGlobal Options:\n[\s\S]*?(?=\n\n|$)/, "")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

async function commands(args: string[]): Promise<string[]> {
  const lines = (await help(args)).matchAll(/^ {2}([a-z][a-z-]*)(?: \[options\])?(?: [<[]| {2})/gm);
  return [...lines].map(([, name]) => name ?? "");
}

/** Commands that are nothing without one of theirs. */
const groups = new Set(["instance", "image", "fleet", "job", "orphan", "provider", "queue", "token", "webhook"]);

const sections = [...guide.matchAll(/^## provost(.*)\n\n```\n([\s\S]*?)\n```$/gm)].map(([, args, text]) => ({
  args: (args ?? "").trim().split(" ").filter(Boolean),
  text: text ?? "",
}));

test("the command reference has every command", async () => {
  const top = (await commands([])).filter((name) => name !== "help");
  const all = await Promise.all(
    top.map(async (name) =>
      groups.has(name)
        ? (await commands([name])).filter((sub) => sub !== "help").map((sub) => `${name} ${sub}`)
        : [name],
    ),
  );
  expect(top).toContain("deploy");
  expect(sections.map(({ args }) => args.join(" ")).toSorted()).toEqual(["", ...all.flat()].toSorted());
});

test.each(sections.map(({ args, text }) => [args.join(" "), text, args] as const))(
  "the command reference says what `provost %s --help` prints",
  async (_name, text, args) => {
    expect(text).toBe(await help([...args]));
  },
);
