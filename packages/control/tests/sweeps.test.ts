import { afterEach, describe, expect, test, vi } from "vitest";
import { idsOf, knownInstances, statuses, sweepOf, swept, ticking } from "./fleet.ts";
import { stores } from "./stores.ts";
import { World, type WorldOptions } from "./world.ts";

const list = "/v4/linode/instances";

describe.each(stores)("sweeps on $name", (store) => {
  let world: World | undefined;
  let errors: string[];

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    errors = [];
    const log = { debug() {}, info() {}, warn() {}, error: (_: object, message: string) => void errors.push(message) };
    world = await World.start({ log, ...options, timings: { ...ticking, ...options.timings }, store });
    // A limit that is in nobody's way: pages come as fast as they are answered.
    await world.control.providers.budgets.heard(
      { account: "sandbox", group: "collections" },
      { limit: 1_000_000, remaining: 1_000_000, resetInMs: 60_000 },
    );
    return world;
  }

  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  test("C10: page after page over several lines, every instance is seen; what does not change is not written again", async () => {
    const { sandbox } = await start();
    const ids = idsOf(sandbox.populate({ count: 4_300 }));
    await knownInstances(world!, ids);
    await swept(world!);
    const seen = await world!.sql("select count(*) as n from control_instance where observed_status = 'running'");
    expect(Number(seen[0]?.["n"])).toBe(4_300);
    const [before] = await world!.sql("select max(observed_at) as at from control_instance");
    // Answers of a second each: one line would be too slow for a tick.
    await world!.sql("update control_sweep set page_ms = 1000");
    await swept(world!);
    await swept(world!);
    const [after] = await world!.sql("select max(observed_at) as at from control_instance");
    expect(after).toEqual(before);
    const [row] = await world!.sql(
      "select max(complete_lines) as lines, max(complete_seen) as seen from control_sweep",
    );
    expect([Number(row?.["seen"]), Number(row?.["lines"])]).toEqual([4_300, 2]);
    expect(await statuses(world!)).toEqual({ provisioned: 4_300 });
    const instance = await world!.control.instances.get(`fleet-${ids[0]}`);
    // Seen just now, though its row was written at the first sweep.
    expect(Date.parse(instance.observed?.at ?? "")).toBeGreaterThan(Number(before?.["at"]));
  }, 180_000);

  test("C10: gone behind our back is `missing` after a complete sweep and a look by id, told once; shown again it is taken back", async () => {
    const { sandbox, control } = await start();
    const ids = idsOf(sandbox.populate({ count: 300 }));
    const [first = ""] = await knownInstances(world!, ids);
    await swept(world!);
    sandbox.vanish({ ids: ids.slice(0, 100) });
    await swept(world!);
    await swept(world!);
    expect(await statuses(world!)).toEqual({ provisioned: 200, missing: 100 });
    await swept(world!);
    expect(await world!.story(first)).toEqual(["missing"]);
    expect((await control.instances.list({ limit: 500 })).items).toHaveLength(300);
    // As if the provider had lost sight of it for a while.
    await world!.sql(`update control_instance set provider_id = '${ids[150]}' where id = '${first}'`);
    await world!.sql(`delete from control_instance where provider_id = '${ids[150]}' and id <> '${first}'`);
    await swept(world!);
    expect(await world!.story(first)).toEqual(["missing", "returned"]);
    expect((await control.instances.get(first)).status).toBe("running");
    expect(errors).toEqual([]);
  });

  test("C10: pages that fail mark nothing missing; the first sweep without an error does", async () => {
    const { sandbox } = await start();
    const ids = idsOf(sandbox.populate({ count: 1_200 }));
    await knownInstances(world!, ids);
    await swept(world!);
    sandbox.addFault({ kind: "error_before", method: "GET", path: list, probability: 0.5, times: 1_000_000 });
    sandbox.vanish({ ids: ids.slice(0, 50) });
    const { number } = (await sweepOf(world!))!;
    await vi.waitFor(async () => expect((await sweepOf(world!))?.number).toBeGreaterThan(number + 3), {
      timeout: 30_000,
    });
    const { complete } = (await sweepOf(world!))!;
    const marked = (await statuses(world!))["missing"] ?? 0;
    // By chance a sweep of three pages may have gone well.
    if (complete <= number) expect(marked).toBe(0);
    sandbox.clearFaults();
    await swept(world!);
    await swept(world!);
    expect(await statuses(world!)).toEqual({ provisioned: 1_150, missing: 50 });
  }, 180_000);

  test("C10: rows that shift between pages are nobody's absence", async () => {
    const { sandbox } = await start();
    const ids = idsOf(sandbox.populate({ count: 1_600 }));
    await knownInstances(world!, ids);
    sandbox.addFault({ kind: "shifted_pages", path: list, shift: 7, times: 1_000_000 });
    for (let sweeps = 0; sweeps < 3; sweeps += 1) await swept(world!);
    expect(await statuses(world!)).toEqual({ provisioned: 1_600 });
  }, 180_000);

  test("C12: when half a fleet is gone at once nothing is called missing, and a person is told", async () => {
    const { sandbox } = await start();
    const ids = idsOf(sandbox.populate({ count: 60 }));
    await knownInstances(world!, ids);
    await swept(world!);
    sandbox.vanish({ ids: ids.slice(0, 40) });
    await swept(world!);
    await swept(world!);
    expect(await statuses(world!)).toEqual({ provisioned: 60 });
    expect(errors.map((message) => message.split(":")[0])).toEqual([
      "40 of 60 instances on sandbox look unwell at once",
    ]);
  });

  test("C13: what was changed elsewhere is taken over and told; C8: a failed server that is gone is billed no more", async () => {
    const { sandbox, control } = await start();
    const { id } = await world!.deploy("web-1");
    const { providerId } = await world!.until(id, "provisioned");
    const failing = await world!.deploy("web-2", { script: "#!/bin/sh\n# sandbox: fail exit=1 log=no\n" });
    const failed = await world!.until(failing.id, "failed");
    await swept(world!);
    const url = `${sandbox.url}${list}/${providerId}`;
    const headers = { authorization: "Bearer sandbox-token", "content-type": "application/json" };
    await fetch(url, { method: "PUT", headers, body: JSON.stringify({ label: "renamed-elsewhere" }) });
    await fetch(`${url}/shutdown`, { method: "POST", headers });
    const stopped = await world!.until(id, "stopped");
    expect(stopped.providerName).toBe("renamed-elsewhere");
    await fetch(`${url}/resize`, { method: "POST", headers, body: JSON.stringify({ type: "g6-standard-2" }) });
    await vi.waitFor(async () => expect((await control.instances.get(id)).type).toBe("g6-standard-2"), {
      timeout: 60_000,
    });
    await vi.waitFor(async () => expect((await control.instances.get(id)).monthlyUsd).toBeGreaterThan(5));
    const told = await control.instances.events(id, { limit: 100 });
    const changes = told.filter(({ kind }) => kind === "changed").map(({ message }) => message);
    expect(changes.join("\n")).toContain("→ renamed-elsewhere");
    expect(changes.join("\n")).toContain("it is stopped now");
    expect(changes.join("\n")).toContain("plan g6-nanode-1 → g6-standard-2");
    // Lists lag behind creates: it has been there for a while.
    await world!.sql(`update control_instance set accepted_at = 1 where id = '${failed.id}'`);
    sandbox.vanish({ ids: [Number(failed.providerId)] });
    await world!.until(failed.id, "destroyed");
    expect((await control.instances.list({ failed: true, limit: 10 })).items).toEqual([]);
  }, 180_000);

  test("C10: an event of the feed is looked at at the next tick, however long a sweep takes", async () => {
    const { sandbox, control } = await start({ timings: { sweepEveryMs: 3_600_000, feedEveryMs: 100 } });
    const { id } = await world!.deploy("web-1");
    const { providerId } = await world!.until(id, "provisioned");
    await vi.waitFor(async () => expect(await world!.sql("select 1 from control_feed")).toHaveLength(1), {
      timeout: 60_000,
    });
    const headers = { authorization: "Bearer sandbox-token" };
    await fetch(`${sandbox.url}${list}/${providerId}/shutdown`, { method: "POST", headers });
    await world!.until(id, "stopped");
    await fetch(`${sandbox.url}${list}/${providerId}/boot`, { method: "POST", headers });
    await world!.until(id, "running");
    expect(await sweepOf(world!)).toBeUndefined();
    await vi.waitFor(async () => expect(await world!.sql("select 1 from control_look")).toEqual([]), {
      timeout: 60_000,
    });
    expect((await control.instances.get(id)).observed?.status).toBe("running");
  });

  test("L11: a sweep goes on where another server has left it", async () => {
    const { sandbox } = await start();
    const ids = idsOf(sandbox.populate({ count: 2_000 }));
    await knownInstances(world!, ids);
    await world!.restart();
    await swept(world!);
    const seen = await world!.sql("select count(*) as n from control_instance where observed_status = 'running'");
    expect(Number(seen[0]?.["n"])).toBe(2_000);
  }, 180_000);
});
