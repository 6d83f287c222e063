import { afterEach, describe, expect, test, vi } from "vitest";
import { stores } from "./stores.ts";
import { World, type WorldOptions } from "./world.ts";

const hour = 3_600_000;
const images = "/v4/images";

describe.each(stores)("bakes on $name", (store) => {
  let world: World | undefined;

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    world = await World.start({ ...options, store });
    return world;
  }

  /** What the provider has of ours, beside the golden image that it began with. */
  async function atProvider(): Promise<{ instances: number; images: string[] }> {
    const catalog = await world!.control.providers.catalog("sandbox", { refresh: true });
    const own = catalog.images.filter(({ kind, id }) => kind !== "public" && id !== "private/1");
    return { instances: world!.sandbox.stats().instances, images: own.map(({ label }) => label) };
  }

  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  test("C2: script, image, register; the builder is gone, and a deploy takes the image by its name and as the default", async () => {
    const { control } = await start({ webhooksTo: ["127.0.0.1"] });
    await control.webhooks.add({
      name: "all-of-it",
      url: "http://127.0.0.1:9/",
      events: ["instance.requested", "instance.provisioned", "instance.destroyed", "image.available", "image.failed"],
    });
    const asked = await world!.bake("golden-2", { script: "#!/bin/sh\necho hello\n" });
    expect(asked).toMatchObject({ status: "baking", step: "builder", golden: true, base: "linode/debian13" });
    const image = await world!.baked("golden-2", "available");
    expect(image).toMatchObject({
      golden: true,
      default: false,
      sizeMb: expect.any(Number),
      recipeHash: asked.recipeHash,
    });
    expect(await world!.ownStory(image.builderId)).toEqual([
      "requested",
      "creating",
      "stage booting",
      "stage configuring",
      "stage ready",
      "provisioned",
      "baking",
      "baking",
      "baking",
      "baked",
      "destroying",
      "destroyed",
    ]);
    expect(await atProvider()).toEqual({ instances: 0, images: [expect.stringMatching(/^golden-2-/)] });
    expect((await control.providers.catalog("sandbox")).images).toContainEqual(
      expect.objectContaining({ id: image.providerImageId, kind: "golden" }),
    );
    // No user's instance: not in the list, and all that webhooks are told is how the bake ended.
    expect(await control.instances.list({ limit: 10 })).toEqual({ items: [] });
    expect(await control.instances.list({ limit: 10, failed: true })).toEqual({ items: [] });
    expect(await control.instances.list({ limit: 10, all: true })).toMatchObject({
      items: [{ id: image.builderId, builderOf: image.id, status: "destroyed" }],
    });
    const [told, ...more] = await world!.sql("select event, body from control_webhook_delivery");
    expect({ event: told?.["event"], more }).toEqual({ event: "image.available", more: [] });
    expect(JSON.parse(String(told?.["body"]))).toMatchObject({
      data: { image: { id: image.id, status: "available" } },
    });

    await world!.deploy("web-1", { image: "golden-2" });
    expect(await world!.until("web-1", "provisioned")).toMatchObject({ image: image.providerImageId, stage: "ready" });
    expect(await control.images.makeDefault("golden-2")).toMatchObject({ default: true });
    expect(await world!.deploy("web-2")).toMatchObject({ image: image.providerImageId });
    await expect(control.images.remove("golden-2")).rejects.toMatchObject({ code: "image_in_use" });
  });

  test("C2, C7: a script that fails leaves no builder and no image, and tells why: step, exit code, last lines", async () => {
    const { control } = await start({ webhooksTo: ["127.0.0.1"] });
    await control.webhooks.add({
      name: "pager",
      url: "http://127.0.0.1:9/",
      events: ["image.failed", "instance.failed"],
    });
    await world!.bake("golden-2", { script: "#!/bin/sh\n# sandbox: fail exit=3 log=no such package\nexit 3\n" });
    const failed = await world!.baked("golden-2", "failed");
    expect(failed.failure).toMatchObject({
      code: "script_failed",
      exitCode: 3,
      log: "no such package",
      whatToDo: expect.stringMatching(/bake again/),
    });
    expect(await atProvider()).toEqual({ instances: 0, images: [] });
    expect(await control.instances.list({ limit: 10, failed: true })).toEqual({ items: [] });
    expect((await world!.story(failed.builderId)).filter((kind) => kind === "failed")).toEqual(["failed"]);
    const told = await world!.sql("select event, body from control_webhook_delivery");
    expect(told.map(({ event }) => event)).toEqual(["image.failed"]);
    expect(JSON.parse(String(told[0]?.["body"]))).toMatchObject({ data: { failure: { log: "no such package" } } });
    // Its name is free again.
    await world!.bake("golden-2");
    await world!.baked("golden-2", "available");
    expect((await control.images.list({ limit: 10 })).items.map(({ status }) => status)).toEqual([
      "available",
      "failed",
    ]);
  });

  test.each(["lost_answer", "error_after", "error_before"] as const)(
    "C4: an image whose answer is lost (%s) is made once",
    async (kind) => {
      const { sandbox } = await start();
      sandbox.addFault({ kind, method: "POST", path: images });
      await world!.bake("golden-2");
      await world!.baked("golden-2", "available");
      expect(await atProvider()).toEqual({ instances: 0, images: [expect.stringMatching(/^golden-2-/)] });
      const [calls] = await world!.sql("select call_attempt, call_open from control_image");
      expect(calls).toEqual({ call_attempt: kind === "error_before" ? 2 : 1, call_open: 0 });
    },
  );

  test("C7, C11: 429, 5xx and a busy provider at every step make a bake late, never fail it", async () => {
    const { sandbox } = await start();
    sandbox.addFault({ kind: "rate_limit", method: "POST", path: images, retry_after: 1 });
    sandbox.addFault({ kind: "error_before", method: "POST", path: "/v4/linode/instances/*/shutdown", status: 503 });
    sandbox.addFault({ kind: "error_before", method: "GET", path: `${images}/**`, status: 503, times: 2 });
    sandbox.addFault({ kind: "error_before", method: "DELETE", path: "/v4/linode/instances/*", status: 503, times: 2 });
    await world!.bake("golden-2");
    await world!.baked("golden-2", "available", 60_000);
    expect(await atProvider()).toMatchObject({ instances: 0, images: [expect.any(String)] });
  });

  test("C7: an account without room says so; nothing was ever built", async () => {
    await start({ sandbox: { instanceLimit: 0 } });
    await world!.bake("golden-2");
    const { failure } = await world!.baked("golden-2", "failed");
    expect(failure).toMatchObject({ code: "quota_exceeded", step: "create", providerMessage: expect.any(String) });
  });

  test("C7: a bake has a limit of its own, longer than a deploy's, and its builder does not outlive it", async () => {
    const { control } = await start({ timings: { lookEveryMs: 100 } });
    const { builderId } = await world!.bake("golden-2", { script: "#!/bin/sh\n# sandbox: silent\n" });
    await world!.event("active", builderId);
    world!.transporter.setClockOffset(hour / 2);
    await world!.deploy("web-1");
    await world!.until("web-1", "provisioned");
    expect(await control.images.get("golden-2")).toMatchObject({ status: "baking" });
    world!.transporter.setClockOffset(2 * hour);
    const { failure } = await world!.baked("golden-2", "failed");
    expect(failure).toMatchObject({ code: "callback_missing", step: "await-ready" });
    expect(world!.sandbox.stats().instances).toBe(1);
  });

  test("C7: a snapshot that never comes about is ended by the limit too", async () => {
    const { sandbox } = await start({ timings: { lookEveryMs: 100 } });
    sandbox.addFault({ kind: "error_before", method: "POST", path: images, status: 500, times: 1_000 });
    const { builderId } = await world!.bake("golden-2");
    await vi.waitFor(
      async () => expect((await world!.story(builderId)).filter((kind) => kind === "baking")).toHaveLength(2),
      {
        timeout: 60_000,
      },
    );
    const { failure } = await world!.baked("golden-2", "failed", 60_000);
    expect(failure).toMatchObject({ code: "image_failed", step: "snapshot" });
  });

  test("C7: the jobs of a bake are lost: the watchdog tells, and its builder goes", async () => {
    // Longer than it takes to lose them: nothing may be begun before the last table is empty.
    await start({ timings: { orphanGraceMs: 1_000 } });
    const { builderId } = await world!.bake("golden-2", { script: "#!/bin/sh\n# sandbox: silent\n" });
    await world!.event("active", builderId);
    await world!.loseJobs();
    const { failure } = await world!.baked("golden-2", "failed");
    expect(failure).toMatchObject({ code: "internal" });
    expect(await atProvider()).toEqual({ instances: 0, images: [] });
  });

  test("C2: a bake under way is ended by deleting it; an image that is there is deleted at the provider", async () => {
    const { control } = await start();
    const { builderId } = await world!.bake("golden-2", { script: "#!/bin/sh\n# sandbox: silent\n" });
    await world!.event("active", builderId);
    await expect(world!.bake("golden-2")).rejects.toMatchObject({ code: "image_exists" });
    await control.images.remove("golden-2");
    expect((await world!.baked("golden-2", "failed")).failure).toMatchObject({ code: "cancelled" });
    await world!.bake("golden-3");
    await world!.baked("golden-3", "available");
    expect(await control.images.remove("golden-3")).toMatchObject({ status: "deleted" });
    expect(await control.images.remove("golden-3")).toMatchObject({ status: "deleted" });
    expect(await atProvider()).toEqual({ instances: 0, images: [] });
    const actions = (await control.audit.list({ limit: 50 })).items.map(({ action }) => action);
    expect(actions.filter((action) => action.startsWith("image."))).toEqual([
      "image.delete",
      "image.bake",
      "image.delete",
      "image.bake",
    ]);
  });

  test("C14: what cannot be baked is refused before anything is asked of the provider", async () => {
    const { control, sandbox } = await start();
    await expect(world!.bake("golden-2", { image: "linode/debian99" })).rejects.toMatchObject({
      code: "image_not_found",
    });
    await expect(world!.bake("G2")).rejects.toMatchObject({ code: "invalid_name" });
    await expect(world!.bake("golden-2", { recipe: false })).rejects.toMatchObject({ code: "invalid_request" });
    await expect(world!.bake("golden-2", { script: `#!/bin/sh\n${"#".repeat(16_000)}` })).rejects.toMatchObject({
      code: "user_data_too_large",
    });
    await expect(control.images.get("none-such")).rejects.toMatchObject({ code: "baked_image_not_found" });
    const options = { idempotencyKey: "one" };
    const one = await control.images.bake({ name: "golden-2", provider: "sandbox" }, options);
    expect((await control.images.bake({ name: "golden-2", provider: "sandbox" }, options)).id).toBe(one.id);
    await expect(control.images.bake({ name: "golden-3", provider: "sandbox" }, options)).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
    await world!.baked("golden-2", "available");
    expect(sandbox.stats().creates_accepted).toBe(1);
  });
});
