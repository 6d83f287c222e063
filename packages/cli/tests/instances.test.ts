import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodes, taskSchema } from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Provost, type Running } from "./provost.ts";

const guide = readFileSync(join(import.meta.dirname, "../../../docs/guides/instances.md"), "utf8");

/** `provost …  # exit 5: code`, as a shell would read it: no more quoting than the guide has. */
const lines = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
  block
    .trim()
    .split("\n")
    .map((line) => {
      const [command = "", exit = "", code = ""] =
        /^provost (.*?)(?: +# exit (\d+): (\w+))?$/.exec(line)?.slice(1) ?? [];
      const args = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
      return { line, args, exit: Number(exit), code };
    }),
);

const provost = new Provost();
let server: Running;

beforeAll(async () => {
  server = provost.begin(["start", "--no-first-deploy"]);
  await server.says("Ctrl-C stops everything");
});
afterAll(() => provost.dispose());

describe("docs/guides/instances.md", () => {
  test("has commands", () => expect(lines.length).toBeGreaterThan(20));

  // One after the other: each goes on where the one before it ended.
  test.each(lines.map((each) => [each.line, each] as const))("%s", async (_line, { args, exit, code }) => {
    const ran = await provost.run(args);
    expect(ran.code, ran.stdout + ran.stderr).toBe(exit);
    if (code !== "") expect(ran.stderr).toMatch(new RegExp(`^error: .*\\[${code}\\]\\n$`));
  });
});

describe("tasks at the command", () => {
  beforeAll(async () => {
    expect(await provost.run(["deploy", "task-1", "--provider", "sandbox"])).toMatchObject({ code: exitCodes.done });
  });

  test("C9 C14 waits with its steps; --json ends with the task", async () => {
    const ran = await provost.run(["instance", "reboot", "task-1"]);
    expect(ran, ran.stderr).toMatchObject({ code: exitCodes.done, stderr: "" });
    expect(ran.stdout).toMatch(
      /started .*Reboot has begun\n.*step .*It runs again\n.*done .*\n\n✓ Reboot of task-1 is done, after /s,
    );
    const json = await provost.run(["instance", "shutdown", "task-1", "--json"]);
    const last = JSON.parse(json.stdout.trim().split("\n").at(-1) ?? "") as { task: unknown };
    expect(taskSchema.parse(last.task)).toMatchObject({ kind: "shutdown", status: "done" });
    expect((await provost.run(["instance", "show", "task-1"])).stdout).toMatch(/^Status +stopped$/m);
  });

  test("C9 a task that fails says step, provider, state and what to do: exit 7", async () => {
    const to = (type: string) => provost.run(["instance", "resize", "task-1", "--type", type]);
    expect(await to("g6-standard-2")).toMatchObject({ code: exitCodes.done });
    const ran = await to("g6-nanode-1");
    expect(ran.code).toBe(exitCodes.operationFailed);
    expect(ran.stderr).toMatch(/✗ Resize of task-1 failed, in step change\./);
    expect(ran.stderr).toMatch(
      /Cause .*\[change_refused\]\n +Provider +"Linode has allocated more disk.*\n +Now +It is stopped now, of the type g6-standard-2\.\n +What to do /,
    );
    expect((await provost.run(["instance", "tasks", "task-1", "--limit", "1"])).stdout).toMatch(
      /resize +failed \(change_refused\) +change/,
    );
  });

  test("C9 --detach begins, --timeout waits no longer (6), Ctrl-C leaves it at work (130), a second is refused (5)", async () => {
    expect(await provost.run(["instance", "boot", "task-1", "--detach"])).toMatchObject({
      code: exitCodes.done,
      stdout: expect.stringMatching(/^Boot of task-1 has begun\. Its id is ta_/),
    });
    // Two that come at once: one runs, the other is refused. A slow machine may start them one after the other.
    let busy: Awaited<ReturnType<typeof provost.run>> | undefined;
    for (let round = 0; busy === undefined && round < 10; round += 1) {
      const both = await Promise.all([1, 2].map(() => provost.run(["instance", "reboot", "task-1"])));
      busy = both.find(({ stderr }) => stderr.includes("[task_in_progress]"));
    }
    expect(busy).toMatchObject({
      code: exitCodes.conflict,
      stderr: expect.stringMatching(/boot \(ta_\w+\).*\[task_in_progress\]/),
    });
    const short = await provost.run(["instance", "reboot", "task-1", "--wait-for-task", "--timeout", "1ms"]);
    expect(short).toMatchObject({
      code: exitCodes.timeout,
      stderr: expect.stringMatching(/instance tasks task-1.*\[wait_timed_out\]/),
    });
    const running = provost.begin(["instance", "shutdown", "task-1", "--wait-for-task"]);
    await running.says("Shutdown of task-1");
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({
      code: exitCodes.interrupted,
      stderr: expect.stringContaining("goes on without"),
    });
  });

  test("C9 a fleet is confirmed: without --count a script is told how many there are, exit 2", async () => {
    const ran = await provost.run(["fleet", "run", "reboot", "--filter", "name:task-*"]);
    expect(ran).toMatchObject({
      code: exitCodes.usage,
      stderr: expect.stringMatching(/1 instances fit \(task-1\).*--count 1.*\[invalid_request\]/),
    });
    const unasked = await provost.run(["instance", "restore", "task-1", "--backup", "x"]);
    expect(unasked).toMatchObject({
      code: exitCodes.usage,
      stderr: expect.stringMatching(/--yes.*\[invalid_request\]/),
    });
  });
});
