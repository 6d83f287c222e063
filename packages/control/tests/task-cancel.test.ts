import { afterEach, describe, expect, test } from "vitest";
import { stores } from "./stores.ts";
import { instanceThat, taskEnds } from "./tasks-world.ts";
import { World } from "./world.ts";

describe.each(stores)("a waiting task on $name", (store) => {
  let world: World;
  afterEach(() => world.stop());

  test("C9: is cancelled alone; what is behind it has its turn, what has begun is not cancelled", async () => {
    world = await World.start({ store, sandbox: { bootMs: 400 } });
    const { tasks, audit } = world.control;
    const id = await instanceThat(world, "web-1", "running");
    const wait = { ifBusy: "wait" } as const;
    const reboot = await tasks.ask(id, { kind: "reboot" });
    const off = await tasks.ask(id, { kind: "power-off" }, wait);
    const next = await tasks.ask(id, { kind: "shutdown" }, wait);
    const cancelled = { id: off.id, status: "failed", failure: { code: "cancelled", step: "turn" } };
    expect(await tasks.cancel(off.id)).toMatchObject(cancelled);
    expect(await tasks.cancel(off.id)).toMatchObject(cancelled);
    await expect(tasks.cancel(reboot.id)).rejects.toMatchObject({ code: "task_not_waiting" });
    await expect(tasks.cancel("ta_nothing")).rejects.toMatchObject({ code: "task_not_found" });
    expect(await taskEnds(world, reboot.id)).toMatchObject({ status: "done" });
    expect(await taskEnds(world, next.id)).toMatchObject({ status: "done" });
    await expect(tasks.cancel(next.id)).rejects.toMatchObject({ code: "task_not_waiting" });
    const told = (await world.control.instances.events(id, { limit: 500 })).filter(({ taskId }) => taskId === off.id);
    expect(told.map(({ kind }) => kind)).toEqual(["task_waiting", "task_failed"]);
    const { items } = await audit.list({ target: off.id, limit: 9 });
    expect(items).toMatchObject([{ action: "task.cancel", outcome: "done" }]);
  });
});
