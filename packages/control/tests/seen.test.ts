import { afterEach, describe, expect, test, vi } from "vitest";
import type { BudgetKey } from "../src/budget/budgets.ts";
import { stores } from "./stores.ts";
import { World, type WorldOptions } from "./world.ts";

const hour = 3_600_000;
const silent = { script: "#!/bin/sh\n# sandbox: silent\n" };
const within = { timeout: 60_000, interval: 20 };

describe.each(stores)("what people are shown of budgets, circuits, brakes and prices on $name", (store) => {
  let world: World | undefined;

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    world = await World.start({ ...options, store });
    return world;
  }

  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  test("C7, C11: an instance in the line shows its place, of how many and since when; the provider shows the budget", async () => {
    const { control } = await start();
    const creates: BudgetKey = { account: "sandbox", group: "create" };
    await control.providers.budgets.heard(creates, { limit: 1, remaining: 1, resetInMs: 900_000 });
    await world!.deploy("web-0");
    await world!.until("web-0", "provisioned");
    const names = ["web-1", "web-2", "web-3"];
    for (const name of names) {
      const { id } = await world!.deploy(name);
      await vi.waitFor(async () => expect(await control.providers.budgets.place(creates, id)).toBeDefined(), within);
    }
    const { items } = await control.instances.list({ limit: 10 });
    expect(items.map(({ name, status, waiting }) => ({ name, status, waiting }))).toEqual([
      ...[3, 2, 1].map((place) => ({
        name: `web-${place}`,
        status: "requested",
        waiting: { for: "budget", place, of: 3, since: expect.any(String) },
      })),
      { name: "web-0", status: "provisioned", waiting: undefined },
    ]);
    const { budgets, circuits, brake } = await control.providers.get("sandbox");
    const shown = budgets.find(({ group }) => group === "create");
    expect(shown).toMatchObject({ limit: 1, left: 0, waiting: 3, windowMs: 3_600_000 });
    expect(Date.parse(shown?.resetAt ?? "")).toBeGreaterThan(Date.now());
    expect({ circuits, brake }).toEqual({ circuits: [], brake: undefined });
  });

  test("C12: while a provider fails, what waits for it says so once, and the provider shows its last error", async () => {
    const { control, sandbox } = await start();
    await control.providers.catalog("sandbox");
    sandbox.addFault({ kind: "error_before", path: "/v4/linode/**", status: 503, times: 1_000_000 });
    const made = await Promise.all(Array.from({ length: 9 }, (_, index) => world!.deploy(`web-${index}`)));
    await vi.waitFor(async () => {
      const { circuits } = await control.providers.get("sandbox");
      expect(circuits).toMatchObject([{ region: "us-east", state: expect.stringMatching(/open/) }]);
      expect(circuits[0]?.lastError?.message).toMatch(/503/);
    }, within);
    const last = await world!.deploy("web-9");
    await vi.waitFor(async () => {
      const notes = (await control.instances.events(last.id, { limit: 50 })).filter(({ kind }) => kind === "note");
      expect(notes.map(({ message }) => message)).toEqual([
        expect.stringMatching(/^Waits for the provider to come back/),
      ]);
    }, within);
    expect((await control.instances.get(last.id)).waiting).toMatchObject({
      for: "provider",
      since: expect.any(String),
      reason: expect.stringMatching(/503/),
    });
    sandbox.clearFaults();
    for (const { id } of [...made, last]) await world!.until(id, "provisioned", 60_000);
    expect((await control.instances.get(last.id)).waiting).toBeUndefined();
    expect((await control.providers.get("sandbox")).circuits).toEqual([]);
  });

  test("C12: a brake is shown, and a person can release it", async () => {
    const { control } = await start({ timings: { lookEveryMs: 60_000, watchdogEveryMs: 20 } });
    const made = await Promise.all(Array.from({ length: 12 }, (_, index) => world!.deploy(`web-${index}`, silent)));
    for (const { id } of made) await world!.event("active", id);
    await world!.sql("update control_instance set flow_id = null");
    await vi.waitFor(async () => expect((await control.providers.get("sandbox")).brake).toBeDefined(), within);
    for (const { id } of made) expect((await control.instances.get(id)).status).toBe("provisioning");
    expect((await control.providers.resume("sandbox")).brake).toBeUndefined();
    for (const { id } of made) await world!.until(id, "failed");
    expect((await control.audit.list({ limit: 50, action: "provider.resume" })).items).toHaveLength(1);
    // Nothing to release any more: nothing is done, and nothing is told.
    await control.providers.resume("sandbox");
    expect((await control.audit.list({ limit: 50, action: "provider.resume" })).items).toHaveLength(1);
  });

  test("C7: an outage does not take the catalog away; it is told to be stale, and asked for anew on demand", async () => {
    const { control, sandbox } = await start();
    const fresh = await control.providers.catalog("sandbox");
    expect(fresh).toMatchObject({ asOf: expect.any(String) });
    expect(fresh.stale).toBeUndefined();
    expect(fresh.types).toContainEqual(
      expect.objectContaining({ id: "g6-nanode-1", monthlyUsd: 5, hourlyUsd: 0.0075 }),
    );
    sandbox.addFault({ kind: "error_before", path: "/v4/**", status: 503, times: 1_000_000 });
    expect(await control.providers.catalog("sandbox")).toEqual(fresh);
    const stale = await control.providers.catalog("sandbox", { refresh: true });
    expect(stale).toEqual({ ...fresh, stale: expect.stringMatching(/503/) });
    sandbox.clearFaults();
    await vi.waitFor(async () => {
      const again = await control.providers.catalog("sandbox", { refresh: true });
      expect(again.stale).toBeUndefined();
      expect(Date.parse(again.asOf)).toBeGreaterThan(Date.parse(fresh.asOf));
    }, within);
  });

  test("C8: price and cost so far, also of a failed server until it is destroyed", async () => {
    const { control } = await start();
    await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
    const failing = await world!.deploy("bad-1", { script: "#!/bin/sh\n# sandbox: fail exit=1\n" });
    await world!.until(failing.id, "failed");
    expect(await control.instances.get("web-1")).toMatchObject({ monthlyUsd: 5, costUsd: 0.01 });
    world!.transporter.setClockOffset(100 * hour);
    expect(await control.instances.get("web-1")).toMatchObject({ costUsd: 0.76 });
    expect(await control.instances.list({ limit: 5, failed: true })).toMatchObject({ items: [{ costUsd: 0.76 }] });
    world!.transporter.setClockOffset(2_000 * hour);
    expect(await control.instances.get("web-1")).toMatchObject({ costUsd: 14.06 });
    await control.instances.destroy(failing.id);
    expect((await world!.until(failing.id, "destroyed")).costUsd).toBeUndefined();
  });
});
