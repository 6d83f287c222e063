import { afterEach, describe, expect, test, vi } from "vitest";
import { stores } from "./stores.ts";
import { World, type WorldOptions } from "./world.ts";

const create = "/v4/linode/instances";

describe.each(stores)("destroy on $name", (store) => {
  let world: World | undefined;

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    world = await World.start({ ...options, store });
    return world;
  }

  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  test("C9: repeats until the provider says gone; the name is free then", async () => {
    const { control, sandbox } = await start();
    const { id } = await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
    sandbox.addFault({ kind: "error_before", method: "DELETE", path: `${create}/*`, times: 2 });
    expect(await control.instances.destroy("web-1")).toMatchObject({ status: "destroying" });
    await expect(world!.deploy("web-1")).rejects.toMatchObject({ code: "name_taken" });
    const gone = await world!.until(id, "destroyed");
    expect(gone.archivedAt).toBeDefined();
    expect(sandbox.stats()).toMatchObject({ instances: 0, deletes_accepted: 1 });
    await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
  });

  test("asked twice, also at once, it is one destroy", async () => {
    const { control, sandbox } = await start();
    const { id } = await world!.deploy("web-1");
    await world!.until(id, "provisioned");
    await Promise.all(Array.from({ length: 5 }, () => control.instances.destroy(id)));
    await world!.until(id, "destroyed");
    expect(await control.instances.destroy(id)).toMatchObject({ status: "destroyed" });
    const story = await world!.story(id);
    expect(story.filter((kind) => kind.startsWith("destroy"))).toEqual(["destroying", "destroyed"]);
    expect(sandbox.stats().deletes_accepted).toBe(1);
  });

  test("C8: a failed instance, archived, can be destroyed by id and by name", async () => {
    const { control, sandbox } = await start();
    const failing = { script: "#!/bin/sh\n# sandbox: fail exit=1 log=no\n" };
    const { id } = await world!.deploy("web-1", failing);
    await world!.until(id, "failed");
    await control.instances.destroy("web-1");
    await world!.until(id, "destroyed");
    expect(sandbox.stats().instances).toBe(0);
    expect((await control.instances.list({ failed: true, limit: 10 })).items).toEqual([]);
    expect((await control.instances.list({ all: true, limit: 10 })).items).toMatchObject([{ id }]);
  });

  test("C4: a deploy that is destroyed while its create is unanswered leaves no server behind", async () => {
    const { control, sandbox } = await start({ timings: { createQuietMs: 500 } });
    sandbox.addFault({ kind: "lost_answer", method: "POST", path: create });
    // The look-ups fail too, so that the deploy cannot adopt before it is cancelled.
    sandbox.addFault({ kind: "error_before", method: "GET", path: create, times: 3, status: 503 });
    const { id } = await world!.deploy("web-1");
    await world!.event("creating", id);
    await control.instances.destroy(id);
    await world!.until(id, "destroyed");
    expect(sandbox.stats()).toMatchObject({ creates_accepted: 1, instances: 0 });
    expect(await world!.story(id)).not.toContain("failed");
  });

  test("a deploy under way, at every moment of it, is cancelled: no server stays, nothing is told as failed", async () => {
    const { control, sandbox } = await start({ sandbox: { bootMs: 60 } });
    const moments = ["requested", "creating", "accepted", "active", "stage"] as const;
    for (const [index, moment] of moments.entries()) {
      const { id } = await world!.deploy(`web-${index}`);
      await world!.event(moment, id);
      await control.instances.destroy(id);
      await world!.until(id, "destroyed");
      expect(await world!.story(id)).not.toContain("failed");
    }
    expect(sandbox.stats().instances).toBe(0);
  });

  test("C8: a server that is not tagged as ours is never destroyed, though its id is in the row", async () => {
    const { control, sandbox } = await start();
    const mine = await world!.deploy("web-1");
    const other = await world!.deploy("web-2");
    await world!.until(mine.id, "provisioned");
    const { providerId } = await world!.until(other.id, "provisioned");
    await world!.sql(`update control_instance set provider_id = '${providerId}' where id = '${mine.id}'`);
    await control.instances.destroy(mine.id);
    await world!.until(mine.id, "destroyed");
    expect(sandbox.stats()).toMatchObject({ instances: 2, deletes_accepted: 0 });
  });

  test("a destroy that the provider refuses for good is told, and can be asked for again", async () => {
    const { control } = await start();
    const { id } = await world!.deploy("web-1");
    await world!.until(id, "provisioned");
    await world!.sql(`update control_provider set token = null, version = version + 1`);
    await control.instances.destroy(id);
    await world!.event("task_failed", id);
    expect(await world!.until(id, "provisioned")).toMatchObject({ id });
    await control.providers.upsert({
      name: "sandbox",
      driver: "linode",
      endpoint: world!.sandbox.url,
      token: "sandbox-token",
    });
    await control.instances.destroy(id);
    await world!.until(id, "destroyed");
  });

  test("C7: a destroy whose jobs are lost is taken up again", async () => {
    const { control, sandbox } = await start({ timings: { orphanGraceMs: 0, firstLookMs: 60_000 } });
    const paused = async () =>
      (await control.providers.budgets.list("sandbox")).some(({ blockedUntil }) => blockedUntil !== undefined);
    const { id } = await world!.deploy("web-1");
    await world!.until(id, "provisioned");
    // The first call is refused, so that the job waits a minute for its next look, and is lost meanwhile.
    sandbox.addFault({ kind: "rate_limit", method: "DELETE", path: `${create}/*`, retry_after: 60 });
    await control.instances.destroy(id);
    await vi.waitFor(() => expect(sandbox.stats().faults_applied).toBe(1), { timeout: 60_000 });
    // Written down before the clock goes on, the pause that the provider has asked for is over then, for new jobs too (C11).
    await vi.waitFor(async () => expect(await paused()).toBe(true), { timeout: 60_000 });
    await world!.loseJobs();
    world!.transporter.setClockOffset(61_000);
    await world!.until(id, "destroyed", 110_000);
  });
});
