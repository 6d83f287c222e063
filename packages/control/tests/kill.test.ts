import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { stores } from "./stores.ts";
import { World } from "./world.ts";

const script = fileURLToPath(new URL("doomed-server.ts", import.meta.url));

describe.each(stores)("kill -9 of a server on $name", (store) => {
  let world: World;
  let child: ChildProcess | undefined;
  afterEach(async () => {
    child?.kill("SIGKILL");
    await world.stop();
  });

  /** Runs the doomed server until it is dead; `kill` is for moments that it does not hear of itself. */
  async function doomed(moment: string, kill?: () => Promise<unknown>, what = "deploy"): Promise<void> {
    const key = world.secretKey.toString("hex");
    child = spawn(
      process.execPath,
      ["--conditions=source", script, await store.location(), key, world.callbackUrl, moment, what],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    const ended = once(child, "exit");
    if (kill !== undefined) {
      await kill();
      child.kill("SIGKILL");
    }
    const [code, signal] = await ended;
    expect({ code, signal }, said).toEqual({ code: null, signal: "SIGKILL" });
  }

  const seenFromOutside: Record<string, () => Promise<unknown>> = {
    // The intent is committed, and the request is on its way: the cloud takes 400 ms to answer.
    sent: () =>
      vi.waitFor(
        async () => {
          const [row] = await world.sql("select create_open from control_instance");
          expect(row).toEqual({ create_open: 1 });
        },
        { timeout: 60_000, interval: 1 },
      ),
    // Reports come in here.
    stage: () => world.event("stage", undefined, 20_000),
  };

  // Each start is a process of its own and a second's wait for the dead one's lease: the embedded store goes through every
  // moment, the other one through those where its own transactions are in question.
  const moments =
    store.name === "SQLite"
      ? ["requested", "creating", "sent", "accepted", "active", "stage"]
      : ["sent", "accepted", "stage"];

  test.each(moments)(
    "C4, L11: killed at %s, the next server completes the deploy: one server, each thing told once",
    async (moment) => {
      const latency = moment === "sent" ? { create: [400, 400] as const, get: [0, 0] as const } : "none";
      world = await World.start({ store, timings: { jobLeaseMs: 1_000 }, sandbox: { latency } });
      await world.control.stop();
      await doomed(moment, seenFromOutside[moment]);
      await world.restart();
      await world.until("doomed-1", "provisioned", 60_000);
      const story = await world.story("doomed-1");
      const told = story.filter((kind) => kind !== "note");
      expect(new Set(told).size).toBe(told.length);
      expect(told.at(-1)).toBe("provisioned");
      expect(world.sandbox.stats()).toMatchObject({ creates_accepted: 1, labels_created_again: [], instances: 1 });
    },
  );

  const ofBake =
    store.name === "SQLite" ? ["accepted", "baking", "imaging", "baked", "destroying"] : ["imaging", "baked"];

  test.each(ofBake)(
    "C2, C4: killed at %s of a bake, the next server completes it: one builder, gone, and one image",
    async (moment) => {
      const latency = moment === "imaging" ? { update: [400, 400] as const, get: [0, 0] as const } : "none";
      world = await World.start({ store, timings: { jobLeaseMs: 1_000 }, sandbox: { latency } });
      await world.control.stop();
      const imaging = () =>
        vi.waitFor(
          async () => expect(await world.sql("select call_open from control_image")).toEqual([{ call_open: 1 }]),
          { timeout: 60_000, interval: 1 },
        );
      await doomed(moment, moment === "imaging" ? imaging : undefined, "bake");
      await world.restart();
      const image = await world.baked("doomed-1", "available", 60_000);
      const story = (await world.story(image.builderId)).filter((kind) => kind !== "note" && kind !== "baking");
      expect(new Set(story).size).toBe(story.length);
      expect(world.sandbox.stats()).toMatchObject({ creates_accepted: 1, labels_created_again: [], instances: 0 });
      const { images } = await world.control.providers.catalog("sandbox");
      expect(images.filter(({ label }) => label.startsWith("doomed-1"))).toHaveLength(1);
    },
  );
});
