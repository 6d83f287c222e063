import type { SignalKind } from "@provost/contract";
import { afterEach, describe, expect, test, vi } from "vitest";
import { stores } from "./stores.ts";
import { alike, asked, cloudActions, cloudSays, instanceThat, small, taskEnds } from "./tasks-world.ts";
import { World, type WorldOptions } from "./world.ts";

describe.each(stores)("tasks on $name", (store) => {
  let world: World;

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    world = await World.start({ ...options, store });
    return world;
  }

  afterEach(() => world.stop());

  test("C9: each signal leads where it says; status, task and desired tell it", async () => {
    const { control } = await start();
    const id = await instanceThat(world, "web-1", "running");
    const shutdown = await control.tasks.ask("web-1", { kind: "shutdown" });
    expect(shutdown).toMatchObject({ kind: "shutdown", status: "running", instanceName: "web-1" });
    expect(await control.instances.get(id)).toMatchObject({
      status: "stopping",
      desired: "stopped",
      task: { kind: "shutdown", id: shutdown.id },
    });
    expect(await taskEnds(world, shutdown.id)).toMatchObject({ status: "done" });
    const stopped = await control.instances.get(id);
    expect(stopped).toMatchObject({ status: "stopped", desired: "stopped" });
    expect(stopped.task).toBeUndefined();
    expect(await asked(world, id, { kind: "boot" })).toMatchObject({ status: "done" });
    expect(await control.instances.get(id)).toMatchObject({ status: "running", desired: "running" });
    expect(await asked(world, id, { kind: "reboot" })).toMatchObject({ status: "done" });
    expect(await control.instances.get(id)).toMatchObject({ status: "running" });
    expect(await asked(world, id, { kind: "power-off" })).toMatchObject({ status: "done" });
    const { providerId } = await control.instances.get(id);
    expect(await cloudActions(world, providerId)).toEqual([
      "linode_boot",
      "linode_shutdown",
      "linode_boot",
      "linode_reboot",
      "linode_shutdown",
    ]);
    const story = await world.story(id);
    expect(story.filter((kind) => kind === "task_started" || kind === "task_done")).toHaveLength(8);
    expect((await control.tasks.list(id, { limit: 10 })).items.map(({ kind }) => kind)).toEqual([
      "power-off",
      "reboot",
      "boot",
      "shutdown",
    ]);
  });

  test("C9: what does not fit is refused with the reason, and nothing is done", async () => {
    const { control } = await start();
    const id = await instanceThat(world, "web-1", "running");
    await expect(control.tasks.ask(id, { kind: "boot" })).rejects.toMatchObject({ code: "instance_running" });
    await expect(control.tasks.ask(id, { kind: "resize", type: small })).rejects.toMatchObject({
      code: "type_unchanged",
    });
    await expect(control.tasks.ask(id, { kind: "resize", type: "huge" })).rejects.toMatchObject({
      code: "type_not_found",
    });
    await expect(control.tasks.ask(id, { kind: "restore", backup: "7" })).rejects.toMatchObject({
      code: "backup_not_found",
    });
    await asked(world, id, { kind: "shutdown" });
    for (const kind of ["reboot", "shutdown", "power-off"] as const) {
      await expect(control.tasks.ask(id, { kind })).rejects.toMatchObject({ code: "instance_stopped" });
    }
    await control.instances.destroy(id);
    await world.until(id, "destroyed");
    await expect(control.tasks.ask(id, { kind: "boot" })).rejects.toMatchObject({ code: "instance_not_ready" });
    await expect(control.tasks.get("ta_none")).rejects.toMatchObject({ code: "task_not_found" });
    expect((await control.tasks.list(id, { limit: 10 })).items.map(({ kind }) => kind)).toEqual([
      "destroy",
      "shutdown",
    ]);
  });

  test("C9: a precondition is the provider's present word, not what was seen last", async () => {
    const { control, sandbox } = await start();
    const id = await instanceThat(world, "web-1", "running");
    const { providerId } = await control.instances.get(id);
    await fetch(`${sandbox.url}/v4/linode/instances/${providerId}/shutdown`, {
      method: "POST",
      headers: { authorization: "Bearer sandbox-token" },
    });
    await vi.waitFor(async () => expect(await cloudSays(world, providerId)).toMatchObject({ status: "offline" }));
    await expect(control.tasks.ask(id, { kind: "reboot" })).rejects.toMatchObject({ code: "instance_stopped" });
    expect(await asked(world, id, { kind: "boot" })).toMatchObject({ status: "done" });
  });

  test("C9: of signals at once one runs, and the others are refused naming it", async () => {
    const { control } = await start();
    const id = await instanceThat(world, "web-1", "running");
    const kinds: SignalKind[] = ["reboot", "shutdown", "power-off", "reboot", "shutdown"];
    const results = await Promise.allSettled(kinds.map((kind) => control.tasks.ask(id, { kind })));
    const taken = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(taken).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") {
        expect(result.reason).toMatchObject({
          code: "task_in_progress",
          message: expect.stringContaining(taken[0]!.kind),
        });
      }
    }
    expect(await taskEnds(world, taken[0]!.id)).toMatchObject({ status: "done" });
    const { providerId } = await control.instances.get(id);
    expect(await cloudActions(world, providerId)).toHaveLength(2);
  });

  test("C9: a second that asks to wait is told so, and has its turn; one whose turn makes no sense any more is told why", async () => {
    const { control } = await start({ sandbox: { bootMs: 400 } });
    const id = await instanceThat(world, "web-1", "running");
    const reboot = await control.tasks.ask(id, { kind: "reboot" });
    const off = await control.tasks.ask(id, { kind: "shutdown" }, { ifBusy: "wait" });
    const again = await control.tasks.ask(id, { kind: "power-off" }, { ifBusy: "wait" });
    const gone = await control.tasks.ask(id, { kind: "destroy" }, { ifBusy: "wait" });
    const late = await control.tasks.ask(id, { kind: "boot" }, { ifBusy: "wait" });
    expect([reboot, off, again, gone, late].map(({ status }) => status)).toEqual([
      "running",
      "waiting",
      "waiting",
      "waiting",
      "waiting",
    ]);
    expect(await taskEnds(world, off.id)).toMatchObject({ status: "done" });
    expect(await taskEnds(world, again.id)).toMatchObject({ status: "failed", failure: { code: "task_refused" } });
    expect(await taskEnds(world, gone.id)).toMatchObject({ status: "done" });
    expect(await taskEnds(world, late.id)).toMatchObject({ status: "failed", failure: { code: "task_refused" } });
    expect((await world.story(id)).filter((kind) => kind === "task_waiting")).toHaveLength(4);
  });

  test("C9: who waits too long is told; what is asked while somebody waits stands behind him", async () => {
    const { control, sandbox } = await start({ timings: { taskWaitMaxMs: 60_000 } });
    const id = await instanceThat(world, "web-1", "running");
    sandbox.addFault({ kind: "stuck", action: "linode_reboot" });
    await control.tasks.ask(id, { kind: "reboot" });
    const waiting = await control.tasks.ask(id, { kind: "shutdown" }, { ifBusy: "wait" });
    world.transporter.setClockOffset(61_000);
    expect(await taskEnds(world, waiting.id)).toMatchObject({
      status: "failed",
      failure: { code: "task_wait_too_long" },
    });
  });

  test("C9: the same idempotency key is the same task, another order a conflict", async () => {
    const { control } = await start();
    const id = await instanceThat(world, "web-1", "running");
    const key = { idempotencyKey: "key-1" };
    const all = await Promise.all(
      [1, 2, 3].map(() => control.tasks.ask(id, { kind: "reboot" }, { ...key, ifBusy: "wait" })),
    );
    expect(new Set(all.map((task) => task.id)).size).toBe(1);
    await taskEnds(world, all[0]!.id);
    expect(await control.tasks.ask(id, { kind: "reboot" }, key)).toMatchObject({ id: all[0]!.id, status: "done" });
    await expect(control.tasks.ask(id, { kind: "shutdown" }, key)).rejects.toMatchObject({
      code: "idempotency_key_reused",
    });
  });

  test("C9: what is protected is not destroyed, before it is unprotected", async () => {
    const { control } = await start();
    const id = await instanceThat(world, "web-1", "running");
    expect(await control.instances.protect(id, true)).toMatchObject({ protected: true });
    await expect(control.instances.destroy(id)).rejects.toMatchObject({ code: "instance_protected" });
    expect(await asked(world, id, { kind: "reboot" })).toMatchObject({ status: "done" });
    expect(await control.instances.protect(id, false)).toMatchObject({ protected: false });
    await control.instances.destroy(id);
    await world.until(id, "destroyed");
    await expect(control.instances.protect(id, true)).rejects.toMatchObject({ code: "instance_not_ready" });
    expect((await world.story(id)).filter((kind) => kind.endsWith("protected"))).toEqual(["protected", "unprotected"]);
  });

  test.each<[string, "running" | "stopped", string[]]>([
    [
      "a running one is stopped, changed and started again",
      "running",
      ["linode_shutdown", "linode_resize", "linode_boot"],
    ],
    ["a stopped one stays stopped", "stopped", ["linode_resize"]],
  ])("C9: resize: %s", async (_what, power, actions) => {
    const { control } = await start();
    const id = await instanceThat(world, "web-1", power);
    const { providerId } = await control.instances.get(id);
    const before = (await cloudActions(world, providerId)).length;
    const task = await asked(world, id, { kind: "resize", type: alike });
    expect(task).toMatchObject({ status: "done", type: alike, before: { type: small, power } });
    expect(await control.instances.get(id)).toMatchObject({ status: power, type: alike, monthlyUsd: 36 });
    expect((await cloudActions(world, providerId)).slice(before)).toEqual(actions);
  });

  test("C3: a snapshot is taken and listed, and restored: on again where it ran", async () => {
    const { control } = await start();
    const id = await instanceThat(world, "web-1", "running");
    expect(await control.tasks.backups(id)).toEqual([]);
    const taken = await asked(world, id, { kind: "snapshot", label: "before-upgrade" });
    expect(taken).toMatchObject({ status: "done", label: "before-upgrade", backupId: expect.stringMatching(/^\d+$/) });
    expect(await control.tasks.backups(id)).toMatchObject([
      { id: taken.backupId, label: "before-upgrade", status: "available" },
    ]);
    expect(await control.instances.get(id)).toMatchObject({ status: "provisioned" });
    expect(await asked(world, id, { kind: "restore", backup: "before-upgrade" })).toMatchObject({ status: "done" });
    const { providerId, status } = await control.instances.get(id);
    expect(status).toBe("running");
    expect((await cloudActions(world, providerId)).slice(1)).toEqual([
      "linode_snapshot",
      "linode_shutdown",
      "backups_restore",
      "linode_boot",
    ]);
  });
});
