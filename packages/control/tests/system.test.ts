import { systemSchema } from "@provost/contract";
import { afterEach, describe, expect, test } from "vitest";
import { Seal } from "../src/seal.ts";
import { stores } from "./stores.ts";
import { sandboxToken, World } from "./world.ts";

describe.each(stores)("the system view on $name", (store) => {
  let world: World;
  afterEach(() => world.stop());

  test("C14: says versions, store, servers, providers in short, sweeps and webhooks", async () => {
    world = await World.start({ store, timings: { sweepEveryMs: 100 }, webhooksTo: ["127.0.0.1"] });
    const view = systemSchema.parse(await world.control.system.view());
    expect(view).toMatchObject({
      deployment: world.control.deploymentId,
      node: process.versions.node,
      store: { kind: store.name === "PostgreSQL" ? "postgres" : "sqlite" },
      webhooks: { count: 0, failing: 0 },
    });
    expect(view.store.version).toMatch(/^\d+\.\d+/);
    expect(view.servers).toMatchObject([{ pid: process.pid, here: true }]);
    expect(view.providers).toMatchObject([{ name: "sandbox", driver: "linode", state: "ok", check: { ok: true } }]);
    await world.control.webhooks.add({ name: "nobody-1", url: "http://127.0.0.1:9/hook" });
    await world.control.webhooks.test("nobody-1");
    await expect.poll(async () => (await world.control.system.view()).webhooks).toEqual({ count: 1, failing: 1 });
    await expect
      .poll(async () => (await world.control.system.view()).providers[0]?.sweep?.completeAt, { timeout: 60_000 })
      .toBeDefined();
  });

  test("C15: what a provider says of its credentials is kept, good or bad, and told to all servers", async () => {
    world = await World.start({ store });
    const { providers, system, audit } = world.control;
    const state = async () => (await system.view()).providers[0]?.state;
    expect((await providers.check("sandbox")).check).toMatchObject({ ok: true });
    const withToken = (token: string) => {
      const sealed = new Seal(world.secretKey).seal(token, "provider:sandbox:token");
      return world.sql(`update control_provider set version = version + 1, token = '${sealed}'`);
    };
    await withToken("no-longer-good");
    expect((await providers.check("sandbox")).check).toMatchObject({
      ok: false,
      code: "provider_credentials_rejected",
    });
    expect(await state()).toBe("credentials-rejected");
    await withToken(sandboxToken);
    expect((await providers.check("sandbox")).check).not.toHaveProperty("code");
    expect(await state()).toBe("ok");
    await expect(providers.check("nobody")).rejects.toMatchObject({ code: "provider_not_found" });
    const { items } = await audit.list({ action: "provider.check", limit: 9 });
    expect(items.map(({ after }) => after?.["ok"])).toEqual([true, false, true]);
    expect(JSON.stringify(items)).not.toContain(sandboxToken);
  });

  test("a server that has stopped is gone, and one that fell silent is forgotten after an hour", async () => {
    world = await World.start({ store });
    await world.sql(
      `insert into control_server (id, host, pid, version, node, started_at, seen_at) values ('sv_lost', 'h', 1, '', '24', 1, ${(await world.transporter.now()) - 61 * 60_000})`,
    );
    expect((await world.control.system.view()).servers).toMatchObject([
      { id: "sv_lost", here: false },
      { pid: process.pid, here: true },
    ]);
    await world.restart();
    const { servers } = await world.control.system.view();
    expect(servers.map(({ here }) => here)).toEqual([true]);
  });
});
