import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cloud } from "./cloud.ts";

/** Long enough for a good deploy, short enough for a proof. */
const provisionTimeout = "25s";

const cloud = new Cloud({ PROVOST_PROVISION_TIMEOUT: provisionTimeout, PROVOST_WATCHDOG_EVERY: "1s" });
const folder = mkdtempSync(join(tmpdir(), "provost-script-"));
beforeAll(() => cloud.start());
afterAll(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("C7 C8 a first-boot script that exits 1: told within seconds with step, exit code and log; the container stays", async () => {
  const script = join(folder, "first-boot.sh");
  writeFileSync(
    script,
    ["#!/bin/sh", "echo installing the thing", "echo no such package: thing >&2", "exit 1", ""].join("\n"),
  );
  const deployed = await cloud.deploy("broken-1", "--script", script);
  expect(deployed.code).toBe(7);
  const told = deployed.stdout + deployed.stderr;
  expect(told).toContain("script");
  expect(told).toMatch(/exit code:? 1\b/i);
  expect(told).toContain("no such package: thing");
  console.log(`from command to told: ${deployed.seconds.toFixed(1)} s\n${told}`);

  expect((await cloud.provost.run("instance", "list")).stdout).not.toContain("broken-1");
  const failed = await cloud.provost.run("instance", "list", "--failed");
  expect(failed.stdout).toContain("broken-1");
  expect(failed.stdout).toMatch(/provost instance logs \S+/);
  const [, ref] = /provost instance logs (\S+)/.exec(failed.stdout) ?? [];
  expect((await cloud.provost.run("instance", "logs", ref ?? "")).stdout).toContain("installing the thing");

  const instance = await cloud.provost.instance(ref ?? "");
  expect(instance).toMatchObject({ status: "failed", failure: { code: "script_failed", exitCode: 1 } });
  expect(await cloud.containersOf(instance.id)).toMatchObject([{ status: "Running" }]);
});

test("C7 an instance that never calls back fails by age", async () => {
  cloud.callbacks.rule = { lose: () => true, hold: () => new Promise(() => undefined) };
  const deployed = await cloud.deploy("silent-1");
  expect(deployed.code, deployed.stdout).toBe(7);
  const listed = await cloud.provost.run("instance", "list", "--failed", "--json");
  expect(listed.stdout).toContain("silent-1");
  expect(deployed.stdout + deployed.stderr).toMatch(/callback/i);
  console.log(`from command to told, limit ${provisionTimeout}: ${deployed.seconds.toFixed(1)} s`);
});
