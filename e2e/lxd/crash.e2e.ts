import { afterAll, beforeAll, expect, test } from "vitest";
import type { InstanceEvent } from "@provost/contract";
import { waitFor } from "../harness/wait.ts";
import { Cloud } from "./cloud.ts";

const cloud = new Cloud();
beforeAll(() => cloud.start());
afterAll(() => cloud.stop());

/** Arms one strike at the server; `struck` resolves when it is dead. */
type Strike = (kill: () => void) => void;

const points: Record<string, Strike> = {
  "before the call": (kill) =>
    cloud.daemon.reset({
      before: once(kill),
    }),
  "call sent": (kill) =>
    cloud.daemon.reset({
      accepted: once(kill),
    }),
  "call answered": (kill) => {
    const strike = once(kill);
    cloud.daemon.reset({ answered: () => void strike() });
  },
  waiting: (kill) => {
    cloud.daemon.reset({});
    const strike = once(kill);
    const { promise: restarted, resolve: release } = Promise.withResolvers<void>();
    cloud.callbacks.rule = {
      async hold() {
        if (strike()) release();
        await restarted;
      },
    };
  },
  "callback arriving": (kill) => {
    cloud.daemon.reset({});
    const strike = once(kill);
    cloud.callbacks.rule = { lose: (stage) => stage === "configuring" && strike() };
  },
};

for (const [point, arm] of Object.entries(points)) {
  test(`C4 C5 kill -9 of the server, ${point}: one container, one create accepted, each stage once, told once`, async () => {
    const name = `crash-${point.replaceAll(" ", "-")}`;
    const { promise: struck, resolve: strike } = Promise.withResolvers<void>();
    cloud.callbacks.rule = {};
    arm(() => {
      cloud.provost.kill();
      strike();
    });

    const asked = await cloud.deploy(name, "--detach");
    expect(asked, asked.stderr).toMatchObject({ code: 0 });
    const { id } = await cloud.provost.instance(name).catch(() => ({ id: "" }));
    await struck;
    await cloud.provost.killed();
    cloud.callbacks.rule = cloud.callbacks.rule.hold ? cloud.callbacks.rule : {};
    await cloud.serve();

    await waitFor(
      `${name} to be provisioned`,
      async () => (await cloud.provost.instance(name)).status === "provisioned",
      120_000,
    );
    const instance = await cloud.provost.instance(name);
    if (id) expect(instance.id).toBe(id);
    expect(await cloud.containersOf(instance.id)).toHaveLength(1);
    expect(cloud.daemon.createsAccepted).toBe(1);
    const told = await cloud.provost.events(name);
    expect(count(told, "provisioned")).toBe(1);
    expect(count(told, "failed")).toBe(0);
    const stages = told.filter(({ kind }) => kind === "stage").map(({ stage }) => stage);
    expect(stages).toEqual([...new Set(stages)]);
    expect(stages.at(-1)).toBe("ready");
    console.log(`${point}: ${told.map((event) => (event.kind === "stage" ? event.stage : event.kind)).join(" → ")}`);
  });
}

function once(act: () => void): () => boolean {
  let done = false;
  return () => {
    if (done) return false;
    done = true;
    act();
    return true;
  };
}

function count(events: InstanceEvent[], kind: InstanceEvent["kind"]): number {
  return events.filter((event) => event.kind === kind).length;
}
