import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Seal } from "../src/seal.ts";
import { stores } from "./stores.ts";
import { World } from "./world.ts";

const rejected = expect.objectContaining({ code: "callback_token_rejected" });

describe.each(stores)("callbacks on $name", (store) => {
  let world: World;
  let warned: string[];

  beforeEach(async () => {
    warned = [];
    const note = (_: object, message: string) => void warned.push(message);
    world = await World.start({
      store,
      timings: { lookEveryMs: 60_000, callbackTokenMarginMs: 0, provisionMaxMs: 60_000 },
      log: { debug() {}, info() {}, warn: note, error: note },
    });
  });
  afterEach(() => world.stop());

  /** A silent instance, so that the tests alone report, with its token. */
  async function silentInstance(name: string): Promise<{ id: string; token: string }> {
    const { id } = await world.deploy(name, { script: "#!/bin/sh\n# sandbox: silent\n" });
    await world.event("active", id);
    return { id, token: await tokenOf(id) };
  }

  async function tokenOf(id: string): Promise<string> {
    const [row] = await world.sql(`select token_nonce from control_instance where id = '${id}'`);
    return new Seal(world.secretKey).callbackToken(id, String(row?.["token_nonce"]));
  }

  test("C6: each stage counts once; a replay and a step backward are answered and change nothing", async () => {
    const { id, token } = await silentInstance("web-1");
    const { callbacks } = world.control;
    expect(await callbacks.receive(id, token, { stage: "booting" })).toEqual({ changed: true });
    expect(await callbacks.receive(id, token, { stage: "booting" })).toEqual({ changed: false });
    expect(await callbacks.receive(id, token, { stage: "configuring", log: "half" })).toEqual({ changed: true });
    expect(await callbacks.receive(id, token, { stage: "booting" })).toEqual({ changed: false });
    expect(await callbacks.receive(id, token, { stage: "ready" })).toEqual({ changed: true });
    await world.until(id, "provisioned");
    // C4: never provisioned again, and never failed afterwards.
    expect(await callbacks.receive(id, token, { stage: "ready" })).toEqual({ changed: false });
    expect(await callbacks.receive(id, token, { stage: "failed", step: "script" })).toEqual({ changed: false });
    expect((await world.control.instances.get(id)).status).toBe("provisioned");
    const story = await world.story(id);
    expect(story.filter((kind) => kind.startsWith("stage"))).toEqual([
      "stage booting",
      "stage configuring",
      "stage ready",
    ]);
    expect(await world.control.instances.logs(id)).toMatchObject([{ step: "configuring", log: "half" }]);
  });

  test("C7: the log of a stage that lasts is kept as it grows, not at each report; a step that never ends fails with its end", async () => {
    const { id, token } = await silentInstance("web-1");
    const says = (log: string) => world.control.callbacks.receive(id, token, { stage: "configuring", log });
    expect(await says("one")).toEqual({ changed: true });
    expect(await says("one, two")).toEqual({ changed: false });
    world.transporter.setClockOffset(21_000);
    expect(await says("one")).toEqual({ changed: false });
    expect(await says("one, two, three")).toEqual({ changed: true });
    expect(await says("one, two, three")).toEqual({ changed: false });
    // A stage that is over says nothing more.
    expect(await world.control.callbacks.receive(id, token, { stage: "booting", log: "late" })).toEqual({
      changed: false,
    });
    expect(await world.control.instances.logs(id)).toMatchObject([
      { step: "configuring", log: "one" },
      { step: "configuring", log: "one, two, three" },
    ]);
    await world.sql(`update control_instance set flow_id = null where id = '${id}'`);
    expect((await world.until(id, "failed")).failure).toMatchObject({ step: "await-ready", log: "one, two, three" });
  });

  test("C6: ready alone implies the stages before it, and wakes the flow at once (L7)", async () => {
    const { id, token } = await silentInstance("web-1");
    await world.control.callbacks.receive(id, token, { stage: "ready" });
    // lookEveryMs is a minute: only the wake brings this in time.
    expect(await world.until(id, "provisioned", 5_000)).toMatchObject({ stage: "ready" });
  });

  test("C6: concurrent replays of one stage change once", async () => {
    const { id, token } = await silentInstance("web-1");
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => world.control.callbacks.receive(id, token, { stage: "configuring" })),
    );
    expect(answers.filter(({ changed }) => changed)).toHaveLength(1);
  });

  test("C6: forged, foreign and empty tokens, and unknown instances, are rejected and logged", async () => {
    const { id, token } = await silentInstance("web-1");
    const other = await silentInstance("web-2");
    const { callbacks } = world.control;
    const wrong: [string, string][] = [
      [id, "forged"],
      [id, ""],
      [id, `${token}x`],
      [id, other.token],
      ["in_00000000000000000000", token],
      ["' or 1=1 --", token],
    ];
    for (const [instance, given] of wrong) {
      await expect(callbacks.receive(instance, given, { stage: "ready" })).rejects.toThrow(rejected);
    }
    expect(warned.filter((message) => message === "a callback was refused")).toHaveLength(wrong.length);
    expect((await world.control.instances.get(id)).stage).toBeUndefined();
  });

  test("C6: a token is valid for its deploy alone: past its time it is rejected", async () => {
    const { id, token } = await silentInstance("web-1");
    world.transporter.setClockOffset(59_000);
    expect(await world.control.callbacks.receive(id, token, { stage: "booting" })).toEqual({ changed: true });
    world.transporter.setClockOffset(61_000);
    await expect(world.control.callbacks.receive(id, token, { stage: "configuring" })).rejects.toThrow(rejected);
  });

  test("C6: a report that comes before the create was answered counts", async () => {
    // The answer to the create is lost, and the list lags: only the report says that the server exists.
    world.sandbox.addFault({ kind: "lost_answer", method: "POST", path: "/v4/linode/instances" });
    const { id } = await world.deploy("web-1");
    await world.until(id, "provisioned");
    expect((await world.story(id)).filter((kind) => kind === "stage ready")).toHaveLength(1);
  });

  test("C7: a reported failure after booting ends the deploy with its step; a second one changes nothing", async () => {
    const { id, token } = await silentInstance("web-1");
    const { callbacks } = world.control;
    const report = { stage: "failed", step: "ssh-keys", exit_code: 7, log: "no space left" } as const;
    expect(await callbacks.receive(id, token, report)).toEqual({ changed: true });
    const failed = await world.until(id, "failed");
    expect(failed.failure).toMatchObject({
      code: "script_failed",
      step: "ssh-keys",
      exitCode: 7,
      log: "no space left",
    });
    expect(await callbacks.receive(id, token, report)).toEqual({ changed: false });
    expect(await callbacks.receive(id, token, { stage: "ready" })).toEqual({ changed: false });
    expect((await world.control.instances.get(id)).status).toBe("failed");
  });
});
