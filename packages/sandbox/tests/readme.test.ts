import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";

/** What the README shows is run as it stands there (C16): commands, the test double, every fault. */

const FOLDER = fileURLToPath(new URL("..", import.meta.url));
const README = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const run = promisify(execFile);
let child: ChildProcess | undefined;

afterEach(async () => {
  if (child === undefined || child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
  child = undefined;
});

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, text]) => text ?? "",
  );
}

/** Starts the sandbox with the README's own flags, on a free port. */
async function start(flags: readonly string[]): Promise<string> {
  const started = spawn(process.execPath, ["bin/provost-sandbox.mjs", ...flags, "--port", "0", "--fast"], {
    cwd: FOLDER,
    env: { ...process.env, PROVOST_SANDBOX_TOKEN: "pretend" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  child = started;
  const [line] = await once(started.stdout, "data");
  return JSON.parse(String(line)).url;
}

describe("the README", () => {
  test("its first commands start it, and are answered", async () => {
    const [first = ""] = blocks("sh");
    const [serve, ...commands] = first
      .replaceAll("\\\n", " ")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    const flags = /^PROVOST_SANDBOX_TOKEN=pretend npx @provost\/sandbox (.*)$/.exec(serve ?? "")?.[1];
    expect(flags).toBe("--port 8080");
    const url = await start(flags?.split(" ") ?? []);
    expect(commands.length).toBeGreaterThan(2);
    for (const command of commands) {
      expect(command).toContain("http://127.0.0.1:8080");
      const { stdout } = await run("sh", ["-c", command.replaceAll("http://127.0.0.1:8080", url)]);
      const body = JSON.parse(stdout);
      expect(body.errors, command).toBeUndefined();
      expect(Object.keys(body).length, command).toBeGreaterThan(0);
    }
  });

  test("its commands with flags are taken", async () => {
    const lines = blocks("sh").flatMap((block) => block.replaceAll("\\\n", " ").split("\n"));
    const started = lines.filter((line) => line.startsWith("npx @provost/sandbox "));
    expect(started.length).toBeGreaterThan(1);
    for (const line of started) {
      await start(line.split(/\s+/).slice(2));
      child?.kill("SIGTERM");
      if (child?.exitCode === null) await once(child, "exit");
      expect(child?.exitCode, line).toBe(0);
    }
  });

  test("its test double runs", async () => {
    const [example = ""] = blocks("ts");
    expect(example).toContain('from "@provost/sandbox"');
    const args = ["--conditions=source", "--input-type=module-typescript", "--eval", example];
    const { stdout } = await run(process.execPath, args, { cwd: FOLDER });
    expect(stdout).toBe("1 server, though its answer was lost\n");
  });

  test("its faults are taken, and every kind is among them", async () => {
    const url = await start([]);
    const headers = { authorization: "Bearer pretend", "content-type": "application/json" };
    const faults = blocks("json").flatMap((block) => block.trim().split("\n"));
    const kinds = [];
    for (const body of faults) {
      const answer = await fetch(`${url}/sandbox/faults`, { method: "POST", headers, body });
      expect(answer.status, body).toBe(201);
      kinds.push(((await answer.json()) as { kind: string }).kind);
    }
    expect(kinds).toEqual([...README.matchAll(/^\| `(\w+)` +\|/gm)].map(([, kind]) => kind));
  });
});
