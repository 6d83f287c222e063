import type { FleetMember, FleetRequest, FleetView } from "@provost/contract";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { TokenHolder } from "../src/index.ts";
import { parseFilter } from "../src/fleets/filter.ts";
import { stores } from "./stores.ts";
import { cloudActions, small } from "./tasks-world.ts";
import { World, type WorldOptions } from "./world.ts";

const bob: TokenHolder = { id: "tk_bob0000000", name: "bob", role: "operator" };

describe("a fleet's filter", () => {
  test("is terms that must all hold, with alternatives and *", () => {
    expect(parseFilter(" provider:linode status:running,stopped  name:web-* ")).toEqual([
      { field: "provider", values: ["linode"] },
      { field: "status", values: ["running", "stopped"] },
      { field: "name", values: ["web-*"] },
    ]);
  });

  test.each(["", "  ", "web-1", "nam:x", "name:", "name:a,,b", "status:up", "protected:maybe"])(
    "%j is refused",
    (text) => {
      expect(() => parseFilter(text)).toThrow(expect.objectContaining({ code: "invalid_request", field: "filter" }));
    },
  );
});

describe.each(stores)("fleet commands on $name", (store) => {
  let world: World;

  /** `web-0` … and one instance that is not meant. */
  async function start(count: number, options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    world = await World.start({ ...options, store });
    const names = [...Array.from({ length: count }, (_, index) => `web-${index}`), "other"];
    for (const name of names) await world.deploy(name, { type: small });
    for (const name of names) await world.until(name, "provisioned");
    return world;
  }

  afterEach(() => world.stop());

  async function ended(id: string): Promise<FleetView> {
    return vi.waitFor(
      async () => {
        const fleet = await world.control.fleets.get(id);
        if (fleet.endedAt !== undefined) return fleet;
        throw new Error(`${fleet.action} is at ${JSON.stringify(fleet.members)}`);
      },
      { timeout: 60_000, interval: 10 },
    );
  }

  async function members(id: string): Promise<FleetMember[]> {
    return (await world.control.fleets.members(id, { limit: 500 })).items;
  }

  async function ran(request: FleetRequest): Promise<FleetView> {
    return ended((await world.control.fleets.begin(request)).id);
  }

  async function providerIdOf(name: string): Promise<string | undefined> {
    return (await world.control.instances.get(name)).providerId;
  }

  test("C9: each that fits is done once, no more at a time than allowed; the others are left alone", async () => {
    const { control } = await start(6, { sandbox: { bootMs: 200 } });
    let most = 0;
    const fleet = await control.fleets.begin({ action: "reboot", filter: "name:web-*", count: 6, concurrency: 2 });
    expect(fleet).toMatchObject({ status: "running", total: 6, concurrency: 2 });
    await vi.waitFor(
      async () => {
        const { items } = await control.instances.list({ limit: 50 });
        most = Math.max(most, items.filter(({ status }) => status === "rebooting").length);
        expect((await control.fleets.get(fleet.id)).endedAt).toBeDefined();
      },
      { timeout: 60_000, interval: 5 },
    );
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
    expect(await control.fleets.get(fleet.id)).toMatchObject({ status: "done", members: { done: 6, failed: 0 } });
    for (let index = 0; index < 6; index += 1) {
      expect(await cloudActions(world, await providerIdOf(`web-${index}`))).toEqual(["linode_boot", "linode_reboot"]);
    }
    expect(await cloudActions(world, await providerIdOf("other"))).toEqual(["linode_boot"]);
    const [task] = (await control.tasks.list("web-0", { limit: 1 })).items;
    expect(task).toMatchObject({ fleetId: fleet.id, status: "done" });
    expect((await members(fleet.id)).every(({ taskId }) => taskId !== undefined)).toBe(true);
  });

  test("C9: begins only what was confirmed: by number, or as it was previewed", async () => {
    const { control } = await start(2);
    const reboot = { action: "reboot", filter: "name:web-*" } as const;
    const { count, preview, sample } = await control.fleets.preview(reboot);
    expect({ count, names: sample.map(({ name }) => name) }).toEqual({ count: 2, names: ["web-0", "web-1"] });
    await expect(control.fleets.begin(reboot)).rejects.toMatchObject({ code: "invalid_request", field: "count" });
    await expect(control.fleets.begin({ ...reboot, count: 3 })).rejects.toMatchObject({ code: "fleet_changed" });
    await expect(control.fleets.begin({ ...reboot, action: "shutdown", preview })).rejects.toMatchObject({
      code: "fleet_changed",
    });
    await world.deploy("web-9");
    await expect(control.fleets.begin({ ...reboot, preview })).rejects.toMatchObject({ code: "fleet_changed" });
    await expect(control.fleets.preview({ ...reboot, filter: "name:nobody" })).rejects.toMatchObject({
      code: "fleet_empty",
    });
    await expect(control.fleets.preview({ action: "resize", filter: "name:*" })).rejects.toMatchObject({
      field: "type",
    });
    await expect(control.fleets.preview({ action: "boot", instances: ["web-0", "nobody"] })).rejects.toMatchObject({
      code: "instance_not_found",
    });
    await expect(control.fleets.get("fl_none")).rejects.toMatchObject({ code: "fleet_not_found" });
    expect((await control.fleets.list({ limit: 10 })).items).toEqual([]);
    const named: FleetRequest = { action: "reboot", instances: ["web-0", "web-1", "web-0"] };
    const key = { idempotencyKey: "fleet-1" };
    const first = await control.fleets.begin({ ...named, count: 2 }, key);
    expect(await control.fleets.begin({ ...named, count: 2 }, key)).toMatchObject({ id: first.id });
    await expect(control.fleets.begin({ ...reboot, count: 2 }, key)).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
    await ended(first.id);
    expect(await ran({ ...named, preview: (await control.fleets.preview({ ...named })).preview })).toMatchObject({
      total: 2,
    });
  });

  test("C9: a result for each: done, unchanged, failed with its code; filters by status and protection", async () => {
    const { control } = await start(3);
    await control.instances.protect("web-0", true);
    expect(await ran({ action: "shutdown", filter: "name:web-* protected:no", count: 2 })).toMatchObject({
      members: { done: 2 },
    });
    const booted = await ran({ action: "boot", filter: "name:web-*", count: 3, failuresMax: 0 });
    expect(booted).toMatchObject({ status: "done", members: { done: 2, unchanged: 1, failed: 0 } });
    const destroyed = await ran({ action: "destroy", filter: "name:web-*", count: 3 });
    expect(destroyed).toMatchObject({ status: "done", members: { done: 2, failed: 1 } });
    expect((await members(destroyed.id)).map(({ name, status, code }) => ({ name, status, code }))).toEqual([
      { name: "web-0", status: "failed", code: "instance_protected" },
      { name: "web-1", status: "done", code: undefined },
      { name: "web-2", status: "done", code: undefined },
    ]);
    expect((await control.fleets.members(destroyed.id, { status: "failed", limit: 10 })).items).toHaveLength(1);
  });

  test("C9: stops when too many have failed; what has not begun is skipped", async () => {
    const { control, sandbox } = await start(6);
    sandbox.addFault({ kind: "task_failed", action: "linode_shutdown", times: 1_000 });
    const fleet = await ran({ action: "shutdown", filter: "name:web-*", count: 6, concurrency: 1, failuresMax: 1 });
    expect(fleet).toMatchObject({ status: "stopped", members: { failed: 2, skipped: 4, pending: 0, running: 0 } });
    const skipped = (await members(fleet.id)).filter(({ status }) => status === "skipped");
    expect(skipped.map(({ code }) => code)).toEqual(["stopped", "stopped", "stopped", "stopped"]);
    for (const { instanceId } of skipped)
      expect(await control.instances.get(instanceId)).toMatchObject({ status: "provisioned" });
  });

  test("C9: one that is cancelled begins no more, and finishes what has begun", async () => {
    const { control } = await start(4, { sandbox: { bootMs: 600 } });
    const { id } = await control.fleets.begin({ action: "reboot", filter: "name:web-*", count: 4, concurrency: 1 });
    await vi.waitFor(async () => expect((await control.fleets.get(id)).members.running).toBe(1), {
      timeout: 60_000,
      interval: 5,
    });
    expect(await control.fleets.cancel(id)).toMatchObject({ status: "cancelled", members: { skipped: 3 } });
    expect(await ended(id)).toMatchObject({ status: "cancelled", members: { done: 1, skipped: 3 } });
    expect(await control.fleets.cancel(id)).toMatchObject({ status: "cancelled" });
  });

  test("C15: each instance has its line in the audit log, in the name of whoever gave the command", async () => {
    const { control } = await start(2);
    const act = control.audit.begin(bob, { action: "fleet.begin", requestId: "req-fleet" });
    const { id } = await control.audit.run(act, () =>
      control.fleets.begin({ action: "reboot", filter: "name:web-*", count: 2 }),
    );
    await control.audit.end(act);
    await ended(id);
    const { items } = await control.audit.list({ actor: "bob", limit: 50 });
    expect(items.map(({ action, target, requestId }) => ({ action, name: target.name, requestId }))).toEqual(
      expect.arrayContaining([
        { action: "fleet.begin", name: "reboot 2", requestId: "req-fleet" },
        { action: "instance.reboot", name: "web-0", requestId: "req-fleet" },
        { action: "instance.reboot", name: "web-1", requestId: "req-fleet" },
      ]),
    );
    expect(items).toHaveLength(3);
    expect((await control.tasks.list("web-0", { limit: 1 })).items).toMatchObject([{ requestedBy: "bob" }]);
  });

  test("C9, L11: a restart of the server, and lost jobs, lose no member and begin none twice", async () => {
    const { control } = await start(6, { timings: { jobLeaseMs: 1_000, orphanGraceMs: 0 }, sandbox: { bootMs: 300 } });
    const { id } = await control.fleets.begin({ action: "reboot", filter: "name:web-*", count: 6, concurrency: 2 });
    await vi.waitFor(async () => expect((await control.fleets.get(id)).members.done).toBeGreaterThan(0), {
      timeout: 60_000,
    });
    await world.restart();
    await vi.waitFor(async () => expect((await world.control.fleets.get(id)).members.done).toBeGreaterThan(2), {
      timeout: 60_000,
    });
    await world.loseJobs();
    expect(await ended(id)).toMatchObject({ status: "done", members: { done: 6 } });
    for (let index = 0; index < 6; index += 1) {
      expect(await cloudActions(world, await providerIdOf(`web-${index}`))).toEqual(["linode_boot", "linode_reboot"]);
    }
  });
});
