import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../harness/wait.ts";
import { Cloud } from "./cloud.ts";
import { daemonCall } from "./daemon-call.ts";
import { answersPing } from "./ping.ts";

const cloud = new Cloud();
beforeAll(() => cloud.start());
afterAll(() => cloud.stop());

test("C2 C5 C6 a deploy through the command gives a real container that reported booting, configuring, ready", async () => {
  const deployed = await cloud.deploy("web-1");
  expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
  const instance = await cloud.provost.instance("web-1");
  expect(instance.status).toBe("provisioned");
  const stages = (await cloud.provost.events("web-1")).filter(({ kind }) => kind === "stage").map(({ stage }) => stage);
  expect(stages).toEqual(["booting", "configuring", "ready"]);
  const containers = await cloud.containersOf(instance.id);
  expect(containers).toMatchObject([{ status: "Running" }]);
  expect(instance.ipv4).toHaveLength(1);
  expect(deployed.stdout).toContain(instance.ipv4[0]);
  expect(await answersPing(instance.ipv4[0]!)).toBe(true);
  console.log(`from command to provisioned: ${deployed.seconds.toFixed(1)} s`);
});

test("C2 after a reboot the first-boot service does not run again", async () => {
  const before = await cloud.provost.events("web-1");
  const { providerName } = await cloud.provost.instance("web-1");
  const booted = await bootTime(providerName);
  await daemonCall("PUT", `/1.0/instances/${providerName}/state`, { action: "restart", force: true, timeout: 30 });
  await waitFor("the container to have booted again", async () => {
    const state = await unitState(providerName, "multi-user.target");
    return state === "active" && (await bootTime(providerName)) !== booted;
  });
  // The unit is ordered before multi-user.target: had its condition held, it would have run by now.
  expect(await unitState(providerName, "provost-first-boot.service")).not.toBe("active");
  expect(await runsOfFirstBoot(providerName)).toBe(0);
  expect(await cloud.provost.events("web-1")).toEqual(before);
});
