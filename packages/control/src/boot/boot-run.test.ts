import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { renderBootScript, type BootScriptOptions } from "./boot-script.ts";

const TOKEN = "cb_Zm9vYmFy-0123456789.~";
const ID = "i-1";

/** What this machine has of the shells that user data meets: dash (Debian), bash, busybox (Alpine). */
const shells = [["dash"], ["bash", "--posix"], ["busybox", "sh"]].filter(has);
const runnable = process.platform !== "win32" && shells.length > 0 && has(["curl"]);
if (!runnable) console.log("boot script runs skipped: they need a POSIX shell and curl");

function has([program = "", ...rest]: string[]): boolean {
  return spawnSync(program, program === "curl" ? ["--version"] : [...rest, "-c", ":"]).status === 0;
}

/** A pretend control plane. `answer` decides the status of each report; "reset" ends the connection without an answer. */
class Callbacks {
  readonly reports: { stage: string; step?: string; exit_code?: number; log?: string }[] = [];
  readonly headers: (string | undefined)[] = [];
  answer: (count: number) => number | "reset" = () => 200;
  seen: () => void = () => undefined;
  count = 0;
  readonly server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.once("end", () => {
      this.count += 1;
      this.seen();
      const status = this.answer(this.count);
      if (status === "reset") {
        request.socket.destroy();
        return;
      }
      this.headers.push(request.headers.authorization);
      if (status < 300) this.reports.push(JSON.parse(body));
      response.writeHead(status).end("{}");
    });
  });

  listen(port = 0): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(port, "127.0.0.1", () => {
        const address = this.server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

const running = new Set<ChildProcess>();
let callbacks: Callbacks;
let root: string;
let port: number;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "provost-boot-"));
  callbacks = new Callbacks();
  port = await callbacks.listen();
});

afterEach(async () => {
  for (const child of running)
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  running.clear();
  await callbacks.close();
  rmSync(root, { recursive: true, force: true });
});

function start(change: Partial<BootScriptOptions> = {}, shell: string[] = ["/bin/sh"]): ChildProcess {
  const rendered = renderBootScript({
    instanceId: ID,
    callbackUrl: `http://127.0.0.1:${port}/v1/callbacks/${ID}`,
    token: TOKEN,
    sshKeys: [],
    rootDir: root,
    ...change,
  });
  const file = join(root, "user-data");
  writeFileSync(file, rendered, { mode: 0o700 });
  const [program = "", ...rest] = shell;
  // A process group of its own, so that a test can end all of it.
  const child = spawn(program, [...rest, file], { detached: true, stdio: ["ignore", "pipe", "inherit"] });
  child.stdout?.resume();
  running.add(child);
  return child;
}

function run(change: Partial<BootScriptOptions> = {}, shell?: string[]): Promise<number | null> {
  const child = start(change, shell);
  return new Promise((resolve) => child.once("exit", resolve));
}

const at = (...path: string[]) => join(root, ...path);
const state = (suffix: string) => at("var/lib/provost/first-boot", `${ID}.${suffix}`);
const read = (path: string) => readFileSync(path, "utf8");
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe.runIf(runnable).each(shells)("under %s", (...shell) => {
  test("C6 a boot that goes well reports booting, configuring, ready, with the token, and runs the script by its interpreter", async () => {
    const script = `#!/usr/bin/env bash\nset -o pipefail; list=(a b); echo "\${list[1]}" > ${at("ran")}; echo "$PROVOST_INSTANCE_ID"\n`;
    expect(await run({ script }, shell)).toBe(0);
    expect(callbacks.reports).toEqual([{ stage: "booting" }, { stage: "configuring" }, { stage: "ready" }]);
    expect(new Set(callbacks.headers)).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(read(at("ran"))).toBe("b\n");
    expect(read(at("var/log/provost-first-boot.log"))).toBe(`${ID}\n`);
    expect(existsSync(state("done"))).toBe(true);
    expect(modeOf(at("var/lib/provost/first-boot"))).toBe("700");
    expect(modeOf(state("script"))).toBe("700");
    expect(readdirSync(at("run"))).toEqual([]);
  });

  test("C7 a script that fails is told with its step, exit code and last 40 lines, as valid JSON without the token", async () => {
    const script = [
      'i=0; while [ $i -lt 60 ]; do i=$((i + 1)); echo "line $i"; done',
      `printf '"quoted" \\\\ back\\tslash \\033[31mred\\033[0m caf\\303\\251 \\377\\000\\r\\n'`,
      `echo 'token: ${TOKEN}${TOKEN}.'`,
      "exit 3",
    ].join("\n");
    expect(await run({ script }, shell)).toBe(1);
    const [, , failed] = callbacks.reports;
    expect(callbacks.reports).toHaveLength(3);
    expect(failed).toMatchObject({ stage: "failed", step: "script", exit_code: 3 });
    const lines = failed?.log?.split("\n") ?? [];
    expect(lines).toHaveLength(40);
    expect(lines[0]).toBe("line 23");
    expect(lines.at(-2)).toBe('"quoted" \\ back\tslash [31mred[0m café ');
    expect(lines.at(-1)).toBe("token: [redacted][redacted].");
  });

  test("C7 a script that takes its time has its last lines told meanwhile, without the token, and goes on", async () => {
    callbacks.seen = () => {
      if (callbacks.reports.some(({ log }) => log !== undefined)) writeFileSync(at("go"), "");
    };
    const script = `echo 'fetching ${TOKEN}'\nwhile [ ! -e ${at("go")} ]; do sleep 0.05; done\n`;
    expect(await run({ script, logSeconds: 1 }, shell)).toBe(0);
    const logs = callbacks.reports.filter(({ log }) => log !== undefined);
    expect(logs.length).toBeGreaterThan(0);
    for (const report of logs) expect(report).toEqual({ stage: "configuring", log: "fetching [redacted]" });
    expect(callbacks.reports.at(-1)).toEqual({ stage: "ready" });
    expect(readdirSync(at("var/lib/provost/first-boot")).some((name) => name.endsWith(".progress"))).toBe(false);
  });

  test("C6 a lost report is retried: connection reset, 500, 429, then taken; the order stays", async () => {
    callbacks.answer = (count) => (count === 1 ? "reset" : count === 2 ? 500 : count === 3 ? 429 : 200);
    expect(await run({}, shell)).toBe(0);
    expect(callbacks.count).toBe(6);
    expect(callbacks.reports.map(({ stage }) => stage)).toEqual(["booting", "configuring", "ready"]);
  });

  test("C2 a second run does nothing: the guard is keyed by the instance's id", async () => {
    const script = `echo ran >> ${at("runs")}`;
    await run({ script }, shell);
    expect(await run({ script }, shell)).toBe(0);
    expect(read(at("runs"))).toBe("ran\n");
    expect(callbacks.count).toBe(3);
    await run({ script, instanceId: "i-2" }, shell);
    expect(read(at("runs"))).toBe("ran\nran\n");
  });

  test("C2 a builder runs recipe, script and clean-up in order, reports, and leaves nothing of its first boot to be baked in", async () => {
    const step = (name: string) => `echo ${name} >> ${at("order")}\n`;
    mkdirSync(at("var/lib/provost/first-boot"), { recursive: true });
    mkdirSync(at("etc/provost/first-boot.d"), { recursive: true });
    writeFileSync(at("etc/provost/first-boot.d/10-hook"), `#!/bin/sh\n${step("hook")}`, { mode: 0o755 });
    const cleanUp = `#!/bin/sh\n${step("clean-up")}rm -rf ${at("var/lib/provost")} ${at("var/log")}\n`;
    const bake = { recipe: `#!/bin/sh\n${step("recipe")}`, cleanUp };
    expect(await run({ script: step("script"), bake }, shell)).toBe(0);
    expect(read(at("order"))).toBe("recipe\nscript\nclean-up\n");
    expect(callbacks.reports.map(({ stage }) => stage)).toEqual(["booting", "configuring", "ready"]);
    expect(readdirSync(at("var"))).toEqual(["lib"]);
    expect(readdirSync(at("var/lib"))).toEqual([]);
  });

  test.each(["recipe", "script", "clean-up"])(
    "C2, C7 a builder whose %s fails says so, and goes no further",
    async (failing) => {
      const text = (name: string) =>
        `#!/bin/sh\necho ${name} >> ${at("order")}\n${name === failing ? "echo oops; exit 4" : ""}\n`;
      const bake = { recipe: text("recipe"), cleanUp: text("clean-up") };
      expect(await run({ script: text("script"), bake }, shell)).toBe(1);
      expect(callbacks.reports.at(-1)).toMatchObject({ stage: "failed", step: failing, exit_code: 4, log: "oops" });
      expect(read(at("order")).trim().split("\n").at(-1)).toBe(failing);
    },
  );
});

describe.runIf(runnable)("callbacks", () => {
  test("C6 a control plane that is down at first hears of every stage in order", async () => {
    await callbacks.close();
    const child = start();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await vi.waitUntil(() => existsSync(state("stage")), { timeout: 20_000, interval: 10 });
    callbacks = new Callbacks();
    await callbacks.listen(port);
    expect(await ended).toBe(0);
    expect(callbacks.reports.map(({ stage }) => stage)).toEqual(["booting", "configuring", "ready"]);
  });

  test.each([401, 404, 410])("C6 %d ends the reports for ever, and the server is still configured", async (status) => {
    callbacks.answer = () => status;
    expect(await run({ script: `echo ran > ${at("ran")}`, sshKeys: ["ssh-ed25519 AAAA a"] })).toBe(0);
    expect(callbacks.count).toBe(1);
    expect(read(at("ran"))).toBe("ran\n");
    expect(read(at("root/.ssh/authorized_keys"))).toBe("ssh-ed25519 AAAA a\n");
    expect(existsSync(state("done"))).toBe(true);
  });

  test("C6 a stage that does not get through in its time is left to the next one", async () => {
    callbacks.answer = (count) => (count === 1 ? 503 : 200);
    expect(await run({ stageSeconds: 0 })).toBe(0);
    expect(callbacks.reports.map(({ stage }) => stage)).toEqual(["configuring", "ready"]);
  });

  test("C6 an outcome that could not be told is told at the next boot, and the script does not run again", async () => {
    const script = `echo ran >> ${at("runs")}; exit 7`;
    callbacks.answer = (count) => (count === 3 ? 503 : 200);
    expect(await run({ script, outcomeSeconds: 0 })).toBe(1);
    expect(existsSync(state("done"))).toBe(false);
    expect(await run({ script })).toBe(1);
    expect(read(at("runs"))).toBe("ran\n");
    expect(callbacks.reports.at(-1)).toMatchObject({ stage: "failed", exit_code: 7 });
    expect(existsSync(state("done"))).toBe(true);
  });

  test.runIf(process.platform === "linux")(
    "C6 no process's arguments hold the token while a report is under way",
    async () => {
      const cmdlines: string[] = [];
      callbacks.seen = () => {
        for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
          try {
            cmdlines.push(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
          } catch {
            continue;
          }
        }
      };
      await run();
      expect(cmdlines.some((line) => line.startsWith("curl\0"))).toBe(true);
      expect(cmdlines.filter((line) => line.includes(TOKEN))).toEqual([]);
    },
  );
});

describe.runIf(runnable)("steps", () => {
  test("C2 SSH keys are added once each, to a file of mode 600, after what is there", async () => {
    mkdirSync(at("root/.ssh"), { recursive: true, mode: 0o755 });
    writeFileSync(at("root/.ssh/authorized_keys"), "ssh-rsa BBBB old", { mode: 0o644 });
    const sshKeys = ["ssh-ed25519 AAAA it's $HOME", "ssh-rsa BBBB old", "ssh-ed25519 AAAA it's $HOME"];
    expect(await run({ sshKeys })).toBe(0);
    expect(read(at("root/.ssh/authorized_keys"))).toBe("ssh-rsa BBBB old\nssh-ed25519 AAAA it's $HOME\n");
    expect(modeOf(at("root/.ssh/authorized_keys"))).toBe("600");
    expect(modeOf(at("root/.ssh"))).toBe("700");
  });

  test("C7 keys that cannot be written fail the step ssh-keys before the script runs", async () => {
    writeFileSync(at("root"), "a file where a folder must be");
    expect(await run({ sshKeys: ["ssh-ed25519 AAAA a"], script: `echo ran > ${at("ran")}` })).toBe(1);
    expect(callbacks.reports).toMatchObject([{ stage: "booting" }, { stage: "failed", step: "ssh-keys" }]);
    expect(existsSync(at("ran"))).toBe(false);
  });

  test("C2 what a golden image brings is run in order before the script; its failure is the step image", async () => {
    const hooks = at("etc/provost/first-boot.d");
    mkdirSync(hooks, { recursive: true });
    for (const [name, exitCode] of Object.entries({ "10-a": 0, "20-b": 5, "30-c": 0 })) {
      writeFileSync(join(hooks, name), `#!/bin/sh\necho ${name}\nexit ${exitCode}\n`);
      chmodSync(join(hooks, name), 0o755);
    }
    expect(await run({ script: "echo script" })).toBe(1);
    expect(callbacks.reports.at(-1)).toMatchObject({ step: "image", exit_code: 5, log: "10-a\n20-b" });
  });

  test("C7 a daemon that the script leaves behind, holding its output, does not hold the outcome back", async () => {
    expect(await run({ script: `sleep 600 &\necho $! > ${at("pid")}` })).toBe(0);
    expect(callbacks.reports.at(-1)).toEqual({ stage: "ready" });
    process.kill(Number(read(at("pid"))), "SIGKILL");
  });

  test("L14 the log is bounded while the script runs, and its end is kept", async () => {
    const log = at("var/log/provost-first-boot.log");
    const script = `head -c 6000000 /dev/zero | tr '\\0' x\nwhile [ "$(wc -c < ${log})" -gt 4194304 ]; do sleep 0.05; done\necho end\nexit 1\n`;
    expect(await run({ script })).toBe(1);
    expect(statSync(log).size).toBeLessThan(4_194_304);
    const told = callbacks.reports.at(-1)?.log ?? "";
    expect(told.endsWith("xend")).toBe(true);
    expect(Buffer.byteLength(told)).toBeLessThanOrEqual(4096);
  });
});

/** Runs until the script's own file says that it has begun, then kills everything, as a power cut would. */
async function die(script: string, begun: string): Promise<void> {
  const child = start({ script });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await vi.waitUntil(() => existsSync(begun), { timeout: 20_000, interval: 10 });
  process.kill(-(child.pid ?? 0), "SIGKILL");
  await ended;
  rmSync(begun);
  // /run is empty after a boot: the lock of the dead run goes with it.
  rmSync(at("run"), { recursive: true });
}

describe.runIf(runnable)("a machine that dies in the middle", () => {
  test("C2 runs the script again at its next boot, at least once until the outcome is known", async () => {
    const waits = `[ -e ${at("second")} ] && exit 0\n: > ${at("begun")}\nexec sleep 600\n`;
    await die(waits, at("begun"));
    writeFileSync(at("second"), "");
    expect(await run({ script: waits })).toBe(0);
    expect(callbacks.reports.map(({ stage }) => stage)).toEqual([
      "booting",
      "configuring",
      "booting",
      "configuring",
      "ready",
    ]);
  });

  test("C7 is not tried for ever: after three starts the boot has failed as interrupted", async () => {
    const script = `: > ${at("begun")}\nexec sleep 600\n`;
    for (let starts = 0; starts < 3; starts += 1) await die(script, at("begun"));
    expect(await run({ script })).toBe(1);
    expect(existsSync(at("begun"))).toBe(false);
    expect(callbacks.reports.at(-1)).toMatchObject({ stage: "failed", step: "interrupted" });
  });

  test("C2 a run that is under way is not started a second time", async () => {
    const script = `: > ${at("begun")}\nwhile [ ! -e ${at("go")} ]; do sleep 0.05; done\n`;
    const child = start({ script });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await vi.waitUntil(() => existsSync(at("begun")), { timeout: 20_000, interval: 10 });
    expect(await run({ script })).toBe(0);
    expect(callbacks.count).toBe(2);
    writeFileSync(at("go"), "");
    expect(await ended).toBe(0);
    expect(callbacks.count).toBe(3);
  });
});
