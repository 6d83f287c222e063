import type { TaskOrder } from "@provost/contract";
import { afterEach, describe, expect, test, vi } from "vitest";
import { stores } from "./stores.ts";
import { alike, asked, cloudActions, cloudSays, instanceThat, small, taskEnds } from "./tasks-world.ts";
import { World, type WorldOptions } from "./world.ts";

const nano = "g6-nanode-1";
const hour = 3_600_000;

/** Of one step at the provider: accepted, and it comes to nothing. */
const fails = (action: "linode_boot" | "linode_shutdown" | "linode_resize" | "linode_reboot" | "backups_restore") => ({
  kind: "task_failed" as const,
  action,
  times: 3,
});

/** What the cloud calls an instance in such a task. */
const stuckIn = {
  linode_boot: "booting",
  linode_reboot: "rebooting",
  linode_shutdown: "shutting_down",
  linode_resize: "resizing",
} as const;

describe.each(stores)("tasks that fail, on $name", (store) => {
  let world: World;

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<World> {
    world = await World.start({ ...options, store });
    return world;
  }

  afterEach(() => world.stop());

  test.each([
    { step: "stop", fault: fails("linode_shutdown"), from: "running", to: "running" },
    { step: "change", fault: fails("linode_resize"), from: "running", to: "running" },
    { step: "change", fault: fails("linode_resize"), from: "stopped", to: "offline" },
    { step: "start-again", fault: fails("linode_boot"), from: "running", to: "running" },
  ] as const)(
    "C9, issue 5 line 6: a resize of a $from one that fails in step $step is put back: plan and power as before",
    async ({ step, fault, from, to }) => {
      const { control, sandbox } = await start();
      const id = await instanceThat(world, "web-1", from);
      sandbox.addFault(fault);
      const task = await asked(world, id, { kind: "resize", type: alike });
      expect(task).toMatchObject({
        status: "failed",
        before: { type: small, power: from },
        failure: { code: "change_failed", step, state: `It is ${from} now, of the type ${small}.` },
      });
      const instance = await control.instances.get(id);
      expect(instance).toMatchObject({ type: small, status: from });
      expect(await cloudSays(world, instance.providerId)).toEqual({ status: to, type: small });
      expect((await world.story(id)).filter((kind) => kind === "task_failed")).toHaveLength(1);
      expect(await asked(world, id, { kind: "resize", type: alike })).toMatchObject({ status: "done" });
    },
  );

  test("C9: a resize that the provider refuses is told in its own words, and the server runs again", async () => {
    const { control } = await start();
    const id = await instanceThat(world, "web-1", "running");
    const task = await asked(world, id, { kind: "resize", type: nano });
    expect(task.failure).toMatchObject({
      code: "change_refused",
      step: "change",
      providerMessage: expect.stringContaining("allocated more disk"),
      providerRequestId: expect.any(String),
      state: `It is running now, of the type ${small}.`,
    });
    expect(await control.instances.get(id)).toMatchObject({ status: "running", type: small });
  });

  test("C9: what cannot be put back is told, and the record says what is there", async () => {
    const { control, sandbox } = await start();
    const id = await instanceThat(world, "web-1", "running", nano);
    // Its disk grows with the plan, so that there is no way back.
    sandbox.addFault(fails("linode_boot"));
    const task = await asked(world, id, { kind: "resize", type: small });
    expect(task.failure).toMatchObject({ code: "change_failed", step: "start-again" });
    expect(task.failure?.state).toMatch(
      /^It is running now, of the type g6-standard-2 \(before: g6-nanode-1\)\. Not put back: undo-change: .*more disk/,
    );
    expect(await control.instances.get(id)).toMatchObject({ status: "running", type: small, monthlyUsd: 24 });
  });

  test.each<
    [TaskOrder, Parameters<typeof fails>[0], "running" | "stopped", status: string, after: "running" | "offline"]
  >([
    [{ kind: "boot" }, "linode_boot", "stopped", "stopped", "offline"],
    [{ kind: "reboot" }, "linode_reboot", "running", "running", "running"],
    [{ kind: "shutdown" }, "linode_shutdown", "running", "running", "running"],
    [{ kind: "power-off" }, "linode_shutdown", "running", "running", "running"],
    [{ kind: "restore", backup: "snap-0" }, "backups_restore", "running", "running", "running"],
  ])(
    "C9, issue 5 line 6: %j that comes to nothing (%s) is told; power ends as documented",
    async (order, action, from, status, after) => {
      const { control, sandbox } = await start();
      const id = await instanceThat(world, "web-1", from);
      if (order.kind === "restore") await asked(world, id, { kind: "snapshot", label: order.backup });
      sandbox.addFault(fails(action));
      expect(await asked(world, id, order)).toMatchObject({ status: "failed", failure: { code: "change_failed" } });
      sandbox.clearFaults();
      const instance = await control.instances.get(id);
      expect(instance).toMatchObject({ status, desired: from, type: small });
      expect(await cloudSays(world, instance.providerId)).toEqual({ status: after, type: small });
    },
  );

  test.each<[TaskOrder, "linode_boot" | "linode_reboot" | "linode_shutdown" | "linode_resize", "running" | "stopped"]>([
    [{ kind: "boot" }, "linode_boot", "stopped"],
    [{ kind: "reboot" }, "linode_reboot", "running"],
    [{ kind: "shutdown" }, "linode_shutdown", "running"],
    [{ kind: "resize", type: alike }, "linode_resize", "running"],
  ])("C7: %j that hangs (%s) has a limit, and the instance is free afterwards", async (order, action, from) => {
    const { control, sandbox } = await start({ timings: { lookEveryMs: 200 } });
    const id = await instanceThat(world, "web-1", from);
    sandbox.addFault({ kind: "stuck", action });
    const { id: taskId } = await control.tasks.ask(id, order);
    const { providerId } = await control.instances.get(id);
    await vi.waitFor(
      async () => expect(await cloudSays(world, providerId)).toMatchObject({ status: stuckIn[action] }),
      {
        timeout: 60_000,
      },
    );
    world.transporter.setClockOffset(hour + 60_000);
    const said = await vi.waitFor(
      async () => {
        const task = await control.tasks.get(taskId);
        expect(task.undoing === true || task.endedAt !== undefined).toBe(true);
        return task;
      },
      { timeout: 60_000, interval: 10 },
    );
    world.transporter.setClockOffset(3 * hour);
    const ended = said.endedAt === undefined ? await taskEnds(world, taskId) : said;
    expect(ended).toMatchObject({ status: "failed", failure: { code: "task_timed_out" } });
    expect((await control.instances.get(id)).task).toBeUndefined();
  });

  test("C7, C12: while the provider is down a task stands still, and is done afterwards", async () => {
    const { control, sandbox } = await start();
    const id = await instanceThat(world, "web-1", "running");
    sandbox.addFault({ kind: "error_before", path: "/v4/**", status: 503, times: 1_000_000 });
    const { id: taskId } = await control.tasks.ask(id, { kind: "reboot" });
    const { circuits } = control.providers;
    await vi.waitFor(async () => expect(await circuits.list()).toMatchObject([{ state: "open" }]), { timeout: 60_000 });
    world.transporter.setClockOffset(3 * hour);
    await vi.waitFor(async () => expect(await control.tasks.get(taskId)).toMatchObject({ status: "running" }));
    sandbox.clearFaults();
    expect(await taskEnds(world, taskId)).toMatchObject({ status: "done" });
  });

  test("C7: jobs that are lost are given anew: of a task that runs, of one that is put back, of one that waits", async () => {
    const { control, sandbox } = await start({ timings: { orphanGraceMs: 0, lookEveryMs: 60_000, firstLookMs: 500 } });
    const id = await instanceThat(world, "web-1", "running");
    sandbox.addFault(fails("linode_resize"));
    const resize = await control.tasks.ask(id, { kind: "resize", type: alike });
    const off = await control.tasks.ask(id, { kind: "shutdown" }, { ifBusy: "wait" });
    await world.event("task_step", id);
    await world.loseJobs();
    expect(await taskEnds(world, resize.id)).toMatchObject({ status: "failed", failure: { step: "change" } });
    expect(await taskEnds(world, off.id)).toMatchObject({ status: "done" });
    const { providerId } = await control.instances.get(id);
    expect(await cloudActions(world, providerId)).toEqual([
      "linode_boot",
      "linode_shutdown",
      "linode_boot",
      "linode_shutdown",
    ]);
  });

  test("C8: a server that is not tagged as ours is never changed, though its id is in the row", async () => {
    const { control } = await start();
    const mine = await instanceThat(world, "web-1", "running");
    const other = await instanceThat(world, "web-2", "running");
    const { providerId } = await control.instances.get(other);
    await world.sql(`update control_instance set provider_id = '${providerId}' where id = '${mine}'`);
    expect(await asked(world, mine, { kind: "reboot" })).toMatchObject({
      status: "failed",
      failure: { code: "vanished" },
    });
    expect(await cloudActions(world, providerId)).toEqual(["linode_boot"]);
  });
});
