import { afterAll, beforeAll, expect, test } from "vitest";
import { Cloud } from "./cloud.ts";
import { answers, bootOf, inside } from "./guest.ts";

/** The whole life of an instance through the command, on the real daemon: each step is seen inside the container (C9, C3). */

const cloud = new Cloud();
beforeAll(() => cloud.start());
afterAll(() => cloud.stop());

/** Runs `provost ARGS…`, which must end well, and prints its time. */
async function done(what: string, ...args: string[]): Promise<string> {
  const ran = await cloud.provost.run(...args);
  expect(ran.code, `${what}: ${ran.stdout}${ran.stderr}`).toBe(0);
  console.log(`${what}: ${ran.seconds.toFixed(1)} s`);
  return ran.stdout;
}

/** The container's own limit of memory, in MB, as the kernel keeps it. */
async function memoryMb(container: string): Promise<number> {
  const read =
    "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | grep -E '^[0-9]+$' | head -1";
  const limit = await inside(container, "sh", "-c", read);
  if (limit !== "") return Math.round(Number(limit) / 1024 / 1024);
  const total = /(\d+)/.exec(await inside(container, "grep", "MemTotal", "/proc/meminfo"))?.[1];
  return Math.round(Number(total) / 1024);
}

test(
  "C3 C9 deploy, reboot, shutdown, boot, power-off, resize, snapshot, restore, destroy: each seen inside the container",
  { timeout: 600_000 },
  async () => {
    const deployed = await cloud.deploy("life-1");
    expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
    console.log(`deploy: ${deployed.seconds.toFixed(1)} s`);
    const { id, providerName } = await cloud.provost.instance("life-1");
    const status = async () => (await cloud.containersOf(id))[0]?.status;

    const booted = await bootOf(providerName);
    await done("reboot", "instance", "reboot", "life-1");
    expect(await status()).toBe("Running");
    const rebooted = await bootOf(providerName);
    expect(rebooted).not.toBe(booted);

    await done("shutdown", "instance", "shutdown", "life-1");
    expect(await status()).toBe("Stopped");
    expect(await cloud.provost.instance("life-1")).toMatchObject({ status: "stopped", desired: "stopped" });
    const refused = await cloud.provost.run("instance", "reboot", "life-1");
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining("[instance_stopped]") });

    await done("boot", "instance", "boot", "life-1");
    expect(await status()).toBe("Running");
    const [address] = (await cloud.provost.instance("life-1")).ipv4;
    expect(await answers(address!)).toBe(true);

    await done("power-off", "instance", "power-off", "life-1");
    expect(await status()).toBe("Stopped");
    await done("boot again", "instance", "boot", "life-1");

    expect(await memoryMb(providerName)).toBe(512);
    const running = await bootOf(providerName);
    await done("resize", "instance", "resize", "life-1", "--type", "c1-1gb");
    expect(await memoryMb(providerName)).toBe(1024);
    expect(await bootOf(providerName), "resized as it ran").toBe(running);
    expect(await cloud.provost.instance("life-1")).toMatchObject({ type: "c1-1gb", status: "running" });

    await inside(providerName, "sh", "-c", "echo kept > /root/mark && sync");
    await done("snapshot", "instance", "snapshot", "life-1", "--label", "before-loss");
    expect(await done("backups", "instance", "backups", "life-1")).toMatch(
      /before-loss +snapshot +before-loss +available/,
    );
    await inside(providerName, "sh", "-c", "echo lost > /root/mark && sync");
    await done("restore", "instance", "restore", "life-1", "--backup", "before-loss", "--yes");
    expect(await status()).toBe("Running");
    expect(await inside(providerName, "cat", "/root/mark")).toBe("kept");

    await done("protect", "instance", "protect", "life-1");
    expect(await cloud.provost.run("instance", "destroy", "life-1", "--yes")).toMatchObject({ code: 5 });
    await done("unprotect", "instance", "unprotect", "life-1");
    await done("destroy", "instance", "destroy", "life-1", "--yes");
    expect(await cloud.containersOf(id)).toEqual([]);
  },
);

test("C9 a fleet command on real containers, with a result for each", async () => {
  for (const name of ["fleet-1", "fleet-2"]) expect((await cloud.deploy(name)).code).toBe(0);
  const shutdown = await cloud.provost.run("fleet", "run", "shutdown", "--filter", "name:fleet-*", "--count", "2");
  expect(shutdown, shutdown.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("shutdown of 2 is done"),
  });
  for (const name of ["fleet-1", "fleet-2"]) {
    const { id } = await cloud.provost.instance(name);
    expect(await cloud.containersOf(id)).toMatchObject([{ status: "Stopped" }]);
  }
  const destroyed = await cloud.provost.run("fleet", "run", "destroy", "--filter", "name:fleet-*", "--count", "2");
  expect(destroyed, destroyed.stderr).toMatchObject({ code: 0 });
  console.log(`fleet of two: shutdown ${shutdown.seconds.toFixed(1)} s, destroy ${destroyed.seconds.toFixed(1)} s`);
});
