import { describe, expect, test } from "vitest";
import { HELP, readCommandLine } from "./command-line.ts";
import { SandboxError } from "./errors.ts";

const ENV = { PROVOST_SANDBOX_TOKEN: "abc" };

describe("flags", () => {
  test("nothing given leaves the defaults to the sandbox", () => {
    expect(readCommandLine([], ENV)).toEqual({
      help: false,
      exitWithParent: false,
      options: { tokens: ["abc"], fast: false },
    });
  });

  test("every flag arrives", () => {
    const args = "--port 0 --host ::1 --state s.db --token x --boot-ms 10-20 --create-ms 500 --rate-scale 50 --seed 7";
    const { options } = readCommandLine([...args.split(" "), "--instance-limit", "5", "--exit-with-parent"], {});
    expect(options).toEqual({
      tokens: ["x"],
      fast: false,
      host: "::1",
      stateFile: "s.db",
      port: 0,
      bootMs: [10, 20],
      latency: { create: [500, 500] },
      rateLimits: { scale: 50 },
      instanceLimit: 5,
      seed: 7,
    });
    expect(readCommandLine(["--no-rate-limits", "--fast"], ENV).options).toMatchObject({
      rateLimits: false,
      fast: true,
    });
  });

  test("faults, a fleet and a clock offset", () => {
    const fault = "rate_limit,path=/v4/linode/instances,probability=0.1,for_ms=60000";
    const args = ["--fault", fault, "--fault", "stuck,label_prefix=web-,times=3", "--populate", "25"];
    const { options } = readCommandLine([...args, "--clock-offset-ms=-5000"], ENV);
    expect(options.faults).toMatchObject([
      { kind: "rate_limit", path: "/v4/linode/instances", probability: 0.1, for_ms: 60_000 },
      { kind: "stuck", action: "linode_boot", label_prefix: "web-", times: 3 },
    ]);
    expect(options).toMatchObject({ populate: { count: 25 }, clockOffsetMs: -5_000 });
  });

  test("every flag is in the help", () => {
    for (const flag of [
      "port",
      "host",
      "token",
      "state",
      "boot-ms",
      "create-ms",
      "fast",
      "no-rate-limits",
      "rate-scale",
      "fault",
      "populate",
      "clock-offset-ms",
    ]) {
      expect(HELP).toContain(`--${flag}`);
    }
  });

  test.each([
    [["--colour", "red"], "--colour"],
    [["--port", "eighty"], "--port eighty"],
    [["--boot-ms", "5-"], "--boot-ms 5-"],
    [["--fault", "meteor"], "meteor"],
    [["--fault", "slow,delay_ms"], "--fault slow,delay_ms"],
  ])("%j is refused with the value", (args, value) => {
    expect(() => readCommandLine(args, ENV)).toThrow(SandboxError);
    expect(() => readCommandLine(args, ENV)).toThrow(value);
  });

  test("no token is refused with the way out", () => {
    expect(() => readCommandLine([], {})).toThrow("PROVOST_SANDBOX_TOKEN");
  });
});
