import { afterEach, describe, expect, test } from "vitest";
import { stores } from "./stores.ts";
import { World, type WorldOptions } from "./world.ts";

const create = "/v4/linode/instances";

describe.each(stores)("deploys on $name", (store) => {
  let world: World | undefined;

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    world = await World.start({ ...options, store });
    return world;
  }

  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  test("C5, C6: a deploy goes through every stage and is told to be provisioned once", async () => {
    const { control, sandbox } = await start();
    const asked = await world!.deploy("web-1", { script: "#!/bin/sh\necho hello\n" });
    expect(asked).toMatchObject({ name: "web-1", status: "requested", rootPassword: "sealed", ipv4: [] });
    const ready = await world!.until("web-1", "provisioned");
    expect(ready.ipv4).toHaveLength(1);
    expect(ready).toMatchObject({ stage: "ready", monthlyUsd: 5, observed: { status: "running" } });
    const story = await world!.story("web-1");
    expect(await world!.ownStory("web-1")).toEqual([
      "requested",
      "creating",
      "stage booting",
      "stage configuring",
      "stage ready",
      "provisioned",
    ]);
    for (const told of ["accepted", "active"]) expect(story.filter((kind) => kind === told)).toHaveLength(1);
    expect(sandbox.stats().creates_accepted).toBe(1);
    expect(await control.instances.list({ limit: 10 })).toMatchObject({ items: [{ id: asked.id }] });
  });

  test.each(["lost_answer", "error_after"] as const)(
    "C4: a create whose answer is lost (%s) is adopted, and made once",
    async (kind) => {
      const { sandbox } = await start();
      sandbox.addFault({ kind, method: "POST", path: create });
      await world!.deploy("web-1");
      await world!.until("web-1", "provisioned");
      expect(await world!.story("web-1")).toContain("adopted");
      expect(sandbox.stats()).toMatchObject({ creates_accepted: 1, labels_created_again: [] });
    },
  );

  test("C4: a create refused with 5xx before it took effect is made again after the quiet period", async () => {
    const { sandbox } = await start();
    sandbox.addFault({ kind: "error_before", method: "POST", path: create, times: 2 });
    await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
    expect(sandbox.stats().creates_accepted).toBe(1);
    const calls = await world!.sql("select create_attempt, create_open from control_instance");
    expect(calls).toEqual([{ create_attempt: 3, create_open: 0 }]);
  });

  test("C4: no second call is made within the quiet period, and the unknown has an end of its own", async () => {
    const { sandbox } = await start({ timings: { createQuietMs: 60_000, createUnknownMaxMs: 400 } });
    sandbox.addFault({ kind: "error_before", method: "POST", path: create, times: 9 });
    await world!.deploy("web-1");
    const failed = await world!.until("web-1", "failed");
    expect(failed.failure?.code).toBe("create_unknown");
    expect(await world!.sql("select create_attempt from control_instance")).toEqual([{ create_attempt: 1 }]);
  });

  test("C11: 429 and an unreachable provider never fail a deploy", async () => {
    const { sandbox } = await start();
    sandbox.addFault({ kind: "rate_limit", method: "POST", path: create, times: 1, retry_after: 1 });
    sandbox.addFault({ kind: "error_before", method: "GET", path: `${create}/*`, times: 2, status: 503 });
    await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
    expect(sandbox.stats().creates_accepted).toBe(1);
  });

  test("C7, C8: a failed script is told at once with exit code and log; the record is archived, the server stays", async () => {
    const { control, sandbox } = await start();
    await world!.deploy("web-1", { script: "#!/bin/sh\n# sandbox: fail exit=3 log=no such package\n" });
    const failed = await world!.until("web-1", "failed");
    expect(failed.failure).toMatchObject({ code: "script_failed", step: "script", exitCode: 3 });
    expect(failed.failure?.log).toContain("no such package");
    expect(failed.archivedAt).toBeDefined();
    expect((await control.instances.list({ limit: 10 })).items).toEqual([]);
    expect((await control.instances.list({ failed: true, limit: 10 })).items).toMatchObject([{ name: "web-1" }]);
    const logs = await control.instances.logs("web-1");
    expect(logs).toMatchObject([{ step: "script" }]);
    expect(sandbox.stats()).toMatchObject({ instances: 1, deletes_accepted: 0 });
    expect((await world!.story("web-1")).filter((kind) => kind === "failed")).toHaveLength(1);
    // C8: the name is free again, beside the server that stays up.
    await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
    expect(sandbox.stats().instances).toBe(2);
  });

  test("C7: an instance that never calls back fails by its age", async () => {
    await start({ timings: { provisionMaxMs: 600, watchdogEveryMs: 60_000 } });
    await world!.deploy("web-1", { script: "#!/bin/sh\n# sandbox: silent\n" });
    const failed = await world!.until("web-1", "failed");
    expect(failed.failure).toMatchObject({ code: "callback_missing", step: "await-ready" });
  });

  test("C7: an instance that never runs fails as a stuck boot", async () => {
    await start({ timings: { provisionMaxMs: 600, watchdogEveryMs: 60_000 } });
    await world!.deploy("web-1", { script: "#!/bin/sh\n# sandbox: stuck\n" });
    expect((await world!.until("web-1", "failed")).failure).toMatchObject({ code: "boot_stuck", step: "await-active" });
  });

  test("C7: looks have a limit too", async () => {
    await start({ timings: { lookEveryMs: 20, looksMax: 5, watchdogEveryMs: 60_000 } });
    await world!.deploy("web-1", { script: "#!/bin/sh\n# sandbox: silent\n" });
    expect((await world!.until("web-1", "failed")).failure).toMatchObject({ code: "callback_missing" });
  });

  test("C7: the watchdog fails a deploy whose jobs are lost, and tells once", async () => {
    const { sandbox } = await start({ timings: { lookEveryMs: 60_000 } });
    const { id } = await world!.deploy("web-1", { script: "#!/bin/sh\n# sandbox: silent\n" });
    await world!.event("active", id);
    await world!.loseJobs();
    const failed = await world!.until(id, "failed");
    expect(failed.failure).toMatchObject({ code: "internal", step: "await-ready" });
    expect((await world!.story(id)).filter((kind) => kind === "failed")).toHaveLength(1);
    expect(sandbox.stats().instances).toBe(1);
  });

  test("C7: flow and watchdog together tell a failure once", async () => {
    await start({ timings: { provisionMaxMs: 300, watchdogEveryMs: 5, lookEveryMs: 20 } });
    const names = Array.from({ length: 8 }, (_, index) => `web-${index}`);
    await Promise.all(names.map((name) => world!.deploy(name, { script: "#!/bin/sh\n# sandbox: silent\n" })));
    for (const name of names) {
      await world!.until(name, "failed");
      expect((await world!.story(name)).filter((kind) => kind === "failed")).toHaveLength(1);
    }
  });

  test("C4: a provider's refusal fails the deploy at once, with its words", async () => {
    const { control } = await start({ sandbox: { instanceLimit: 1 } });
    await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
    await world!.deploy("web-2");
    const failed = await world!.until("web-2", "failed");
    expect(failed.failure).toMatchObject({ code: "quota_exceeded", step: "create" });
    expect(failed.failure?.providerMessage).toBeTruthy();
    expect(await world!.story("web-2")).toEqual(["requested", "creating", "failed"]);
    // Nothing was made, so nothing is asked of the provider: the tombstone can go.
    await control.instances.destroy(failed.id);
    await world!.until(failed.id, "destroyed");
  });

  test("C15: a deploy whose secrets do not open with this server's key fails at once, and says so", async () => {
    const { sandbox } = await start();
    sandbox.addFault({ kind: "rate_limit", method: "POST", path: create, retry_after: 1 });
    const { id } = await world!.deploy("web-1");
    await world!.event("creating", id);
    await world!.sql(`update control_instance set root_password = 's1.00000000.AAAA' where id = '${id}'`);
    const failed = await world!.until(id, "failed");
    expect(failed.failure).toMatchObject({ code: "internal", step: "create" });
    expect(failed.failure?.message).toContain("00000000");
    expect(sandbox.stats().creates_accepted).toBe(0);
  });

  test("a restart in the middle loses nothing and tells nothing twice", async () => {
    const { sandbox } = await start({ sandbox: { bootMs: 400 } });
    const names = Array.from({ length: 10 }, (_, index) => `web-${index}`);
    for (const name of names) await world!.deploy(name);
    await world!.event("accepted");
    await world!.restart();
    for (const name of names) {
      await world!.until(name, "provisioned");
      const story = await world!.story(name);
      expect(new Set(story).size).toBe(story.length);
    }
    expect(sandbox.stats()).toMatchObject({ creates_accepted: 10, labels_created_again: [] });
  });
});
