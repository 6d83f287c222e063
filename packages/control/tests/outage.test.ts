import { startSandbox } from "@provost/sandbox";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { BudgetKey } from "../src/budget/budgets.ts";
import { stores } from "./stores.ts";
import { sandboxToken, World, type WorldOptions } from "./world.ts";

const hour = 3_600_000;
const silent = { script: "#!/bin/sh\n# sandbox: silent\n" };

describe.each(stores)("outages and budgets on $name", (store) => {
  let world: World | undefined;
  let errors: string[];

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    errors = [];
    const log = { debug() {}, info() {}, warn() {}, error: (_: object, message: string) => void errors.push(message) };
    world = await World.start({ log, ...options, store });
    return world;
  }

  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  /** The watchdog alone fails this one; those that were deployed before it have been looked at by then. */
  async function watchdogHasLooked(name: string): Promise<void> {
    const { id } = await world!.deploy(name, { ...silent, provider: "sentinel" });
    await world!.event("active", id);
    await world!.sql(`update control_instance set flow_id = null where id = '${id}'`);
    expect((await world!.until(id, "failed")).failure).toMatchObject({ code: "internal" });
  }

  test("C7, C12: a provider that is down for longer than the stuck limit fails none, and all are provisioned afterwards", async () => {
    const { control, sandbox } = await start({ sandbox: { bootMs: 3_000 } });
    const healthy = await startSandbox({ tokens: [sandboxToken], fast: true, rateLimits: false });
    try {
      await control.providers.add({
        name: "sentinel",
        driver: "linode",
        endpoint: healthy.url,
        token: sandboxToken,
        defaults: { region: "us-east", type: "g6-nanode-1" },
      });
      const names = Array.from({ length: 12 }, (_, index) => `web-${index}`);
      const early = await Promise.all(names.slice(0, 8).map((name) => world!.deploy(name)));
      for (const { id } of early) await world!.event("accepted", id);
      sandbox.addFault({ kind: "error_before", path: "/v4/**", status: 503, times: 1_000_000 });
      for (const name of names.slice(8)) await world!.deploy(name);
      const { circuits } = control.providers;
      await vi.waitFor(
        async () => expect(await circuits.list()).toMatchObject([{ region: "us-east", state: "open" }]),
        {
          timeout: 60_000,
        },
      );
      world!.transporter.setClockOffset(hour);
      await watchdogHasLooked("sentinel-1");
      await watchdogHasLooked("sentinel-2");
      // C6: no report comes too late for having waited.
      await vi.waitFor(async () => {
        const [row] = await world!.sql(
          "select min(token_expires_at - accepted_at) as lives from control_instance where provider = 'sandbox' and accepted_at is not null",
        );
        expect(Number(row?.["lives"])).toBeGreaterThan(2 * hour);
      });
      const during = await Promise.all(names.map((name) => control.instances.get(name)));
      expect(during.filter(({ status }) => status === "failed")).toEqual([]);
      sandbox.clearFaults();
      for (const name of names) await world!.until(name, "provisioned", 60_000);
      expect(sandbox.stats()).toMatchObject({ instances: 12, labels_created_again: [] });
      expect(await circuits.list()).toEqual([]);
      expect(errors).toEqual([]);
    } finally {
      await healthy.close();
    }
  });

  test("C7, C11: what waits for the budget is `requested` with its place in the line, on no clock", async () => {
    const { control, sandbox } = await start();
    const creates: BudgetKey = { account: "sandbox", group: "create" };
    await control.providers.budgets.heard(creates, { limit: 3, remaining: 3, resetInMs: 900_000 });
    for (const name of ["web-0", "web-1", "web-2"]) await world!.deploy(name);
    for (const name of ["web-0", "web-1", "web-2"]) await world!.until(name, "provisioned");
    const waiting = [];
    for (const name of ["web-3", "web-4", "web-5"]) waiting.push(await world!.deploy(name));
    for (const [index, { id }] of waiting.entries()) {
      await vi.waitFor(async () => expect(await control.providers.budgets.place(creates, id)).toBe(index + 1), {
        timeout: 60_000,
      });
      expect((await control.instances.get(id)).status).toBe("requested");
      await vi.waitFor(async () => expect(await world!.story(id)).toEqual(["requested", "note"]));
    }
    expect(sandbox.stats().creates_accepted).toBe(3);
    world!.transporter.setClockOffset(2 * hour);
    for (const name of ["web-3", "web-4", "web-5"]) await world!.until(name, "provisioned");
    expect(sandbox.stats()).toMatchObject({ creates_accepted: 6, labels_created_again: [] });
  });

  test("C11, C4: a create that is to be made again waits for the budget on no clock either", async () => {
    const { control, sandbox } = await start({ timings: { createUnknownMaxMs: 60_000 } });
    const creates: BudgetKey = { account: "sandbox", group: "create" };
    await control.providers.budgets.heard(creates, { limit: 1, remaining: 1, resetInMs: 900_000 });
    sandbox.addFault({ kind: "error_before", method: "POST", path: "/v4/linode/instances" });
    const { id } = await world!.deploy("web-1");
    await vi.waitFor(async () => expect(await control.providers.budgets.place(creates, id)).toBe(1), {
      timeout: 60_000,
    });
    await vi.waitFor(async () => expect((await control.instances.get(id)).status).toBe("requested"));
    world!.transporter.setClockOffset(2 * hour);
    await world!.until(id, "provisioned", 40_000);
    expect(sandbox.stats().creates_accepted).toBe(1);
  }, 180_000);

  test("C7, C11: an unknown outcome is not failed by age while the look for it waits for the budget", async () => {
    const { control, sandbox } = await start({ timings: { createUnknownMaxMs: 60_000 } });
    const lists: BudgetKey = { account: "sandbox", group: "collections" };
    await control.providers.catalog("sandbox");
    await control.providers.budgets.heard(lists, { limit: 5, remaining: 0, resetInMs: 900_000 });
    sandbox.addFault({ kind: "lost_answer", method: "POST", path: "/v4/linode/instances" });
    const { id } = await world!.deploy("web-1");
    const since = async () =>
      Number((await world!.sql(`select unknown_since from control_instance where id = '${id}'`))[0]?.["unknown_since"]);
    await vi.waitFor(async () => expect(await control.providers.budgets.place(lists, id)).toBe(1), { timeout: 60_000 });
    for (let looks = 1; looks <= 5; looks += 1) {
      const before = await since();
      world!.transporter.setClockOffset(looks * 31_000);
      await vi.waitFor(async () => expect(await since()).toBeGreaterThan(before + 25_000), { timeout: 60_000 });
    }
    expect((await control.instances.get(id)).status).toBe("creating");
    await control.providers.budgets.heard(lists, { limit: 500, remaining: 100, resetInMs: 900_000 });
    world!.transporter.setClockOffset(6 * 31_000);
    await world!.until(id, "provisioned", 60_000);
    expect(sandbox.stats()).toMatchObject({ creates_accepted: 1, labels_created_again: [] });
  }, 180_000);

  test("C12: a fleet whose flows are lost at once is left as it is, and told of once; in the end nothing hangs (C7)", async () => {
    const { control } = await start({ timings: { lookEveryMs: 60_000, watchdogEveryMs: 20 } });
    const made = await Promise.all(Array.from({ length: 12 }, (_, index) => world!.deploy(`web-${index}`, silent)));
    for (const { id } of made) await world!.event("active", id);
    await world!.sql("update control_instance set flow_id = null");
    for (const { id } of made) {
      await vi.waitFor(async () => expect((await world!.story(id)).at(-1)).toBe("note"), { timeout: 60_000 });
      expect((await control.instances.get(id)).status).toBe("provisioning");
    }
    world!.transporter.setClockOffset(16 * 60_000);
    for (const { id } of made) {
      expect((await world!.until(id, "failed")).failure).toMatchObject({ step: "await-ready" });
    }
    expect(errors.map((message) => message.split(":")[0])).toEqual([
      "12 of 12 instances on sandbox look unwell at once",
    ]);
  });
});
