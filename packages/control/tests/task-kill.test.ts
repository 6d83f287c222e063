import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FleetRequest, TaskOrder } from "@provost/contract";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Relay, type Phase } from "./relay.ts";
import { stores } from "./stores.ts";
import { alike, asked, cloudActions, cloudSays, instanceThat, small, taskEnds } from "./tasks-world.ts";
import { sandboxToken, World } from "./world.ts";

const script = fileURLToPath(new URL("doomed-task.ts", import.meta.url));

interface Case {
  order: TaskOrder;
  from: "running" | "stopped";
  /** The calls that change something, in their order, and what the cloud's feed calls them. */
  calls: [ends: string, action: string][];
  ends: { status: "running" | "offline"; type: string };
}

const shutdown: [string, string] = ["/shutdown", "linode_shutdown"];
const boot: [string, string] = ["/boot", "linode_boot"];

const cases: Case[] = [
  { order: { kind: "boot" }, from: "stopped", calls: [boot], ends: { status: "running", type: small } },
  {
    order: { kind: "reboot" },
    from: "running",
    calls: [["/reboot", "linode_reboot"]],
    ends: { status: "running", type: small },
  },
  { order: { kind: "shutdown" }, from: "running", calls: [shutdown], ends: { status: "offline", type: small } },
  { order: { kind: "power-off" }, from: "running", calls: [shutdown], ends: { status: "offline", type: small } },
  {
    order: { kind: "resize", type: alike },
    from: "running",
    calls: [shutdown, ["/resize", "linode_resize"], boot],
    ends: { status: "running", type: alike },
  },
  {
    order: { kind: "resize", type: alike },
    from: "stopped",
    calls: [["/resize", "linode_resize"]],
    ends: { status: "offline", type: alike },
  },
  {
    order: { kind: "snapshot", label: "snap-1" },
    from: "running",
    calls: [["/backups", "linode_snapshot"]],
    ends: { status: "running", type: small },
  },
  {
    order: { kind: "restore", backup: "snap-0" },
    from: "running",
    calls: [shutdown, ["/restore", "backups_restore"], boot],
    ends: { status: "running", type: small },
  },
];
const phases: Phase[] = ["before", "sent", "answered"];
const moments = cases.flatMap((each) =>
  each.calls.flatMap(([ends]) => phases.map((phase) => ({ ...each, strikeAt: ends, phase }))),
);

describe.each(stores)("kill -9 of a server in a task, on $name", (store) => {
  let world: World;
  let relay: Relay;
  let child: ChildProcess | undefined;

  afterEach(async () => {
    child?.kill("SIGKILL");
    await world.stop();
    await relay.stop();
  });

  /** Runs the doomed server until it is dead. */
  async function doomed(instance: string, order: TaskOrder | FleetRequest): Promise<void> {
    const args = [await store.location(), world.secretKey.toString("hex"), instance, JSON.stringify(order)];
    child = spawn(process.execPath, ["--conditions=source", script, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    const [code, signal] = await once(child, "exit");
    expect({ code, signal }, said).toEqual({ code: null, signal: "SIGKILL" });
  }

  // Each is a process of its own and a second's wait for the dead one's lease: the other store has those in which its own
  // transactions are in question.
  const here =
    store.name === "SQLite" ? moments : moments.filter(({ phase, order }) => phase === "sent" && order.kind !== "boot");

  test.each(here)(
    "C9, issue 5 line 6: $order.kind ($from), killed at $strikeAt, $phase: power and plan end as asked, each change is made once",
    async ({ order, from, calls, ends, strikeAt, phase }) => {
      world = await World.start({ store, timings: { jobLeaseMs: 1_000 } });
      const id = await instanceThat(world, "web-1", from);
      if (order.kind === "restore") await asked(world, id, { kind: "snapshot", label: order.backup });
      const { providerId } = await world.control.instances.get(id);
      const before = (await cloudActions(world, providerId)).length;
      relay = await Relay.start(world.sandbox.url);
      const account = { name: "sandbox", driver: "linode", token: sandboxToken };
      await world.control.providers.upsert({ ...account, endpoint: relay.url });
      await world.control.stop();
      relay.strike = { method: "POST", ends: strikeAt, phase, strike: () => void child?.kill("SIGKILL") };
      await doomed(id, order);
      await world.restart();
      const [task] = (await world.control.tasks.list(id, { limit: 1 })).items;
      expect(await taskEnds(world, task!.id)).toMatchObject({ kind: order.kind, status: "done" });
      await vi.waitFor(async () => expect(await cloudSays(world, providerId)).toEqual(ends));
      expect((await cloudActions(world, providerId)).slice(before)).toEqual(calls.map(([, action]) => action));
      const instance = await world.control.instances.get(id);
      expect(instance).toMatchObject({ type: ends.type });
      expect(instance.task).toBeUndefined();
      const told = (await world.control.instances.events(id, { limit: 500 })).filter(
        ({ taskId }) => taskId === task!.id,
      );
      expect(told.filter(({ kind }) => kind === "task_done")).toHaveLength(1);
      expect(told.filter(({ kind }) => kind === "task_failed")).toEqual([]);
    },
  );

  test.each(phases)(
    "C9, L11: a fleet command, killed at its second reboot, %s: each member is done once",
    async (phase) => {
      world = await World.start({ store, timings: { jobLeaseMs: 1_000 } });
      const names = ["web-1", "web-2", "web-3", "web-4"];
      for (const name of names) await instanceThat(world, name, "running");
      relay = await Relay.start(world.sandbox.url);
      const account = { name: "sandbox", driver: "linode", token: sandboxToken };
      await world.control.providers.upsert({ ...account, endpoint: relay.url });
      await world.control.stop();
      const second = { method: "POST", ends: "/reboot", phase, strike: () => void child?.kill("SIGKILL") };
      relay.strike = { ...second, phase: "answered", strike: () => (relay.strike = second) };
      await doomed("fleet", { action: "reboot", filter: "name:web-*", count: 4, concurrency: 2 });
      await world.restart();
      const [{ id } = { id: "" }] = (await world.control.fleets.list({ limit: 1 })).items;
      await vi.waitFor(
        async () => expect(await world.control.fleets.get(id)).toMatchObject({ status: "done", members: { done: 4 } }),
        { timeout: 60_000, interval: 20 },
      );
      for (const name of names) {
        const { providerId } = await world.control.instances.get(name);
        expect(await cloudActions(world, providerId)).toEqual(["linode_boot", "linode_reboot"]);
      }
    },
  );
});
