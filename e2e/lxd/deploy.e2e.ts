import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../harness/wait.ts";
import { Cloud } from "./cloud.ts";
import { daemonCall } from "./daemon-call.ts";
import { answers, bootOf, inside } from "./guest.ts";

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
  expect(await answers(instance.ipv4[0]!)).toBe(true);
  console.log(`from command to provisioned: ${deployed.seconds.toFixed(1)} s`);
});

test("C2 after a reboot the first-boot service does not run again", async () => {
  const before = await cloud.provost.events("web-1");
  const { id, providerName } = await cloud.provost.instance("web-1");
  const traces = () =>
    inside(
      providerName,
      "stat",
      "-c",
      "%n %Y",
      `/var/lib/provost/first-boot/${id}.done`,
      "/var/log/provost-first-boot.log",
    );
  const left = await traces();
  expect(left.split("\n")).toHaveLength(2);
  const booted = await bootOf(providerName);
  await daemonCall("PUT", `/1.0/instances/${providerName}/state`, { action: "restart", force: true, timeout: 30 });
  const service = ["systemctl", "show", "provost-first-boot.service", "--property"];
  await waitFor("the container to have booted again, past the first-boot service", async () => {
    const looked = await inside(providerName, ...service, "ConditionTimestampMonotonic", "--value");
    const active = await inside(providerName, ...service, "ActiveState", "--value");
    return looked !== "" && looked !== "0" && active !== "activating" && (await bootOf(providerName)) !== booted;
  });
  // Its ExecCondition found the mark and skipped it.
  expect(await inside(providerName, ...service, "Result", "--value")).toBe("exec-condition");
  expect(await traces()).toBe(left);
  expect(await cloud.provost.events("web-1")).toEqual(before);
});

test("C9 destroy: the provider says gone, the list no longer shows it", async () => {
  const { id } = await cloud.provost.instance("web-1");
  const destroyed = await cloud.provost.run("instance", "destroy", "web-1", "--yes");
  expect(destroyed.code, destroyed.stderr).toBe(0);
  expect(await cloud.containersOf(id)).toEqual([]);
  expect((await cloud.provost.run("instance", "list")).stdout).not.toContain("web-1");
});
