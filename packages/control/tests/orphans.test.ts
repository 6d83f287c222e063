import { afterEach, describe, expect, test, vi } from "vitest";
import { tellExpired } from "../src/instances/tombstones.ts";
import { Store } from "../src/storage/store.ts";
import { idsOf, knownInstances, swept, ticking } from "./fleet.ts";
import { stores } from "./stores.ts";
import { World, type WorldOptions } from "./world.ts";

const list = "/v4/linode/instances";
const headers = { authorization: "Bearer sandbox-token" };

describe.each(stores)("orphans and adoption on $name", (store) => {
  let world: World | undefined;

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    world = await World.start({ ...options, timings: { ...ticking, ...options.timings }, store });
    return world;
  }

  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  function tagsOf(instance: string): string[] {
    return [`provost:${world!.control.deploymentId}`, `provost-instance:${instance}`];
  }

  async function tagsAt(id: number): Promise<string[]> {
    const answer = await fetch(`${world!.sandbox.url}${list}/${id}`, { headers });
    return ((await answer.json()) as { tags: string[] }).tags;
  }

  test("C13: tagged servers that the store does not know are reported within one sweep, with their age and cost; others are not", async () => {
    const { sandbox, control } = await start();
    const { id } = await world!.deploy("web-1");
    await world!.until(id, "provisioned");
    sandbox.populate({ count: 5, label_prefix: "else-" });
    sandbox.populate({ count: 3, label_prefix: "theirs-", tags: ["provost:d-another", "provost-instance:in_x"] });
    const ids = idsOf(sandbox.populate({ count: 20, label_prefix: "lost-", tags: tagsOf("in_gone") }));
    await swept(world!);
    const first = await control.orphans.list({ limit: 15 });
    const rest = await control.orphans.list({ limit: 15, ...(first.next === undefined ? {} : { after: first.next }) });
    const all = [...first.items, ...rest.items];
    expect(all.map(({ providerId }) => Number(providerId))).toEqual(ids);
    expect(all[0]).toMatchObject({
      provider: "sandbox",
      instanceId: "in_gone",
      status: "running",
      monthlyUsd: 5,
      costUsd: 0.01,
      destroying: false,
    });
    expect(Date.parse(all[0]?.createdAt ?? "")).toBeGreaterThan(0);
    // What is gone by itself is no orphan any more.
    sandbox.vanish({ ids: ids.slice(0, 18) });
    await swept(world!);
    expect((await control.orphans.list({ limit: 50 })).items).toHaveLength(2);
    expect(sandbox.stats().deletes_accepted).toBe(0);
  });

  test("C13: an orphan is destroyed when a person says so, once, and it is in the audit log", async () => {
    const { sandbox, control } = await start();
    const [id = 0] = idsOf(sandbox.populate({ count: 1, tags: tagsOf("in_gone") }));
    await swept(world!);
    const asked = await Promise.all([1, 2, 3].map(() => control.orphans.destroy("sandbox", String(id))));
    expect(asked.every(({ destroying }) => destroying)).toBe(true);
    await vi.waitFor(async () => expect((await control.orphans.list({ limit: 5 })).items).toEqual([]), {
      timeout: 60_000,
    });
    expect(sandbox.stats()).toMatchObject({ instances: 0, deletes_accepted: 1 });
    const lines = await control.audit.list({ action: "orphan.destroy", limit: 5 });
    expect(lines.items).toMatchObject([{ target: { id: String(id) }, outcome: "done" }]);
    await expect(control.orphans.destroy("sandbox", String(id))).rejects.toMatchObject({ code: "orphan_not_found" });
    await expect(control.orphans.list({ provider: "nowhere", limit: 5 })).rejects.toMatchObject({
      code: "provider_not_found",
    });
  });

  test("C13: by policy `ours` those with this deployment's tag are destroyed after the grace, and nothing else; by default nothing", async () => {
    const { sandbox, control } = await start({ timings: { orphanKeptMs: 400 } });
    await knownInstances(world!, idsOf(sandbox.populate({ count: 30 })));
    sandbox.populate({ count: 2, tags: ["provost:d-another", "provost-instance:in_x"] });
    sandbox.populate({ count: 3, tags: tagsOf("in_gone") });
    await swept(world!);
    await new Promise((resolve) => {
      setTimeout(resolve, 500);
    });
    await swept(world!);
    expect(sandbox.stats().deletes_accepted).toBe(0);
    await control.orphans.setPolicy("sandbox", "ours");
    expect((await control.providers.get("sandbox")).orphans).toBe("ours");
    await vi.waitFor(() => expect(sandbox.stats()).toMatchObject({ instances: 32, deletes_accepted: 3 }), {
      timeout: 60_000,
    });
    const { items } = await control.audit.list({ limit: 10 });
    expect(items.map(({ action, actor }) => `${action} ${actor.name}`).toSorted()).toEqual([
      ...Array<string>(3).fill("orphan.destroy provost"),
      "provider.add provost",
      "provider.orphan-policy provost",
    ]);
  });

  test("C12: a store that has lost its instances destroys no fleet of orphans", async () => {
    const { sandbox, control } = await start({ timings: { orphanKeptMs: 0 } });
    await control.orphans.setPolicy("sandbox", "ours");
    sandbox.populate({ count: 40, tags: tagsOf("in_gone") });
    await swept(world!);
    await swept(world!);
    await swept(world!);
    expect(sandbox.stats().deletes_accepted).toBe(0);
    expect((await control.orphans.list({ limit: 50 })).items).toHaveLength(40);
  });

  test("C13: any server can be adopted: a record, our mark, and it is destroyed as one of ours", async () => {
    const { sandbox, control } = await start();
    const [bare = 0, lost = 0] = [
      ...idsOf(sandbox.populate({ count: 1, label_prefix: "Web_Old.", tags: ["keep"] })),
      ...idsOf(sandbox.populate({ count: 1, tags: tagsOf("in_gone"), status: "offline" })),
    ];
    await swept(world!);
    const adopted = await control.adoption.adopt({ provider: "sandbox", providerId: String(bare) });
    expect(adopted).toMatchObject({
      name: `web-old-${bare}`,
      status: "provisioned",
      monthlyUsd: 5,
      type: "g6-nanode-1",
    });
    expect(await tagsAt(bare)).toEqual(["keep", ...tagsOf(adopted.id)]);
    await expect(control.adoption.adopt({ provider: "sandbox", providerId: String(bare) })).rejects.toMatchObject({
      code: "server_known",
    });
    const back = await control.adoption.adopt({ provider: "sandbox", providerId: String(lost), name: "found-1" });
    expect(back.status).toBe("stopped");
    await swept(world!);
    expect((await control.orphans.list({ limit: 5 })).items).toEqual([]);
    expect(await world!.story(adopted.id)).toEqual(["adopted"]);
    await control.instances.destroy(adopted.id);
    await world!.until(adopted.id, "destroyed");
    expect(sandbox.stats()).toMatchObject({ instances: 1, deletes_accepted: 1 });
  });

  test("C13: what cannot be adopted is refused with the reason, and left as it was", async () => {
    const { sandbox, control } = await start();
    const theirs = ["provost:d-another", "provost-instance:in_x"];
    const [id = 0] = idsOf(sandbox.populate({ count: 1, tags: theirs }));
    const [other = 0] = idsOf(sandbox.populate({ count: 1 }));
    const adopt = (providerId: string, name?: string) =>
      control.adoption.adopt({ provider: "sandbox", providerId, ...(name === undefined ? {} : { name }) });
    await expect(adopt("1")).rejects.toMatchObject({ code: "server_not_found" });
    await expect(adopt(String(id), "No Name")).rejects.toMatchObject({ code: "invalid_name" });
    await expect(adopt(String(id))).rejects.toMatchObject({ code: "server_owned" });
    await world!.deploy("web-1");
    await expect(adopt(String(other), "web-1")).rejects.toMatchObject({ code: "name_taken" });
    expect(await tagsAt(id)).toEqual(theirs);
    expect(await tagsAt(other)).toEqual([]);
    const both = await Promise.allSettled([adopt(String(other), "one-1"), adopt(String(other), "two-1")]);
    expect(both.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("C13: release takes our mark off and keeps the server; neither a sweep nor a policy touches it again", async () => {
    const { sandbox, control } = await start({ timings: { orphanKeptMs: 0 } });
    await control.orphans.setPolicy("sandbox", "ours");
    const { id } = await world!.deploy("web-1");
    await expect(control.adoption.release(id)).rejects.toMatchObject({ code: "task_in_progress" });
    const { providerId } = await world!.until(id, "provisioned");
    expect(await control.adoption.release("web-1")).toMatchObject({ status: "released" });
    expect(await tagsAt(Number(providerId))).toEqual([]);
    expect(await control.adoption.release(id)).toMatchObject({ status: "released" });
    expect(await control.instances.destroy(id)).toMatchObject({ status: "released" });
    await swept(world!);
    await swept(world!);
    expect(sandbox.stats()).toMatchObject({ instances: 1, deletes_accepted: 0 });
    expect((await world!.story(id)).at(-1)).toBe("released");
    await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
    // Taken in again as what it is now: a server of nobody's.
    const again = await control.adoption.adopt({ provider: "sandbox", providerId: providerId ?? "", name: "web-2" });
    expect(again.id).not.toBe(id);
  });

  test("C8: a tombstone says what it costs and by when to decide, is told of again then, and can be adopted back", async () => {
    const { control } = await start({ timings: { tombstoneKeptMs: 3_600_000 } });
    const { id } = await world!.deploy("web-1", { script: "#!/bin/sh\n# sandbox: fail exit=3 log=no\n" });
    const { archivedAt = "", providerId = "" } = await world!.until(id, "failed");
    const [row] = (await control.instances.list({ failed: true, limit: 5 })).items;
    expect(row?.tombstone).toEqual({
      billedSince: expect.any(String),
      costUsd: 0.01,
      expiresAt: new Date(Date.parse(archivedAt) + 3_600_000).toISOString(),
    });
    await world!.sql(
      `update control_instance set archived_at = archived_at - 864000000, accepted_at = accepted_at - 864000000 where id = '${id}'`,
    );
    expect((await control.instances.get(id)).tombstone?.costUsd).toBeCloseTo(0.0075 * 24 * 10, 1);
    const own = new Store(world!.transporter);
    for (let hours = 0; hours < 2; hours += 1) {
      await tellExpired(own, (await own.now()) - 3_600_000, new AbortController().signal);
    }
    const back = await control.adoption.adopt({ provider: "sandbox", providerId });
    expect(back).toMatchObject({ id, name: "web-1", status: "provisioned" });
    expect(back.failure).toBeUndefined();
    expect(back.tombstone).toBeUndefined();
    expect((await control.instances.list({ failed: true, limit: 5 })).items).toEqual([]);
    expect((await world!.story(id)).slice(-3)).toEqual(["failed", "expired", "adopted"]);
    await control.instances.destroy(id);
    await world!.until(id, "destroyed");
  });
});
