import type { TaskOrder } from "@provost/contract";
import { afterEach, describe, expect, test } from "vitest";
import { stores } from "./stores.ts";
import { alike, asked, cloudActions, instanceThat } from "./tasks-world.ts";
import { World } from "./world.ts";

const instances = "/v4/linode/instances/*";

describe.each(stores)("unanswered calls of tasks on $name", (store) => {
  let world: World;
  afterEach(() => world.stop());

  const orders: [TaskOrder, "running" | "stopped", path: string, action: string][] = [
    [{ kind: "boot" }, "stopped", "boot", "linode_boot"],
    [{ kind: "reboot" }, "running", "reboot", "linode_reboot"],
    [{ kind: "shutdown" }, "running", "shutdown", "linode_shutdown"],
    [{ kind: "power-off" }, "running", "shutdown", "linode_shutdown"],
    [{ kind: "resize", type: alike }, "running", "shutdown", "linode_shutdown"],
    [{ kind: "resize", type: alike }, "running", "resize", "linode_resize"],
    [{ kind: "resize", type: alike }, "running", "boot", "linode_boot"],
    [{ kind: "snapshot" }, "running", "backups", "linode_snapshot"],
  ];

  test.each(orders)(
    "C4: %j (%s), its call /%s unanswered: whether it had its effect or not, it takes effect once",
    async (order, power, path, action) => {
      world = await World.start({ store });
      const { control, sandbox } = world;
      for (const kind of ["lost_answer", "error_before", "error_after", "rate_limit"] as const) {
        const id = await instanceThat(world, `web-${kind.replace("_", "-")}`, power);
        const { providerId } = await control.instances.get(id);
        const before = (await cloudActions(world, providerId)).length;
        sandbox.addFault({ kind, method: "POST", path: `${instances}/${path}` });
        expect(await asked(world, id, order), kind).toMatchObject({ status: "done" });
        const done = (await cloudActions(world, providerId)).slice(before);
        expect(
          done.filter((each) => each === action),
          kind,
        ).toHaveLength(1);
      }
      expect(sandbox.stats().faults_applied).toBe(4);
    },
  );

  test("C4: a reboot whose answer is lost, where the feed cannot be read, is not asked for again: it is told as unknown", async () => {
    world = await World.start({ store });
    const { control, sandbox } = world;
    const id = await instanceThat(world, "web-1", "running");
    const { providerId } = await control.instances.get(id);
    sandbox.addFault({ kind: "error_before", method: "GET", path: "/v4/account/events" });
    expect(await asked(world, id, { kind: "reboot" })).toMatchObject({ status: "done" });
    sandbox.addFault({ kind: "error_before", method: "GET", path: "/v4/account/events" });
    sandbox.addFault({ kind: "error_before", method: "POST", path: `${instances}/reboot` });
    expect(await asked(world, id, { kind: "reboot" })).toMatchObject({
      status: "failed",
      failure: { code: "outcome_unknown", step: "reboot", state: expect.stringContaining("It is running now") },
    });
    expect(await cloudActions(world, providerId)).toEqual(["linode_boot", "linode_reboot"]);
  });
});
