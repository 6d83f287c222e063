import type { TaskOrder, TaskView } from "@provost/contract";
import { expect, vi } from "vitest";
import { sandboxToken, type World } from "./world.ts";

/** Every task that an instance of the sandbox can have, and what is needed before it. */
export const small = "g6-standard-2";
/** As much disk as `small`: the way back is open. */
export const alike = "g6-dedicated-2";

/** Waits for the end of a task; fails with what it is at instead. */
export async function taskEnds(world: World, id: string, timeoutMs = 90_000): Promise<TaskView> {
  return vi.waitFor(
    async () => {
      const task = await world.control.tasks.get(id);
      if (task.endedAt !== undefined) return task;
      throw new Error(`${task.kind} is ${task.status}, at ${task.step ?? "no step"}`);
    },
    { timeout: timeoutMs, interval: 10 },
  );
}

export async function asked(world: World, ref: string, order: TaskOrder): Promise<TaskView> {
  const { id } = await world.control.tasks.ask(ref, order);
  return taskEnds(world, id);
}

/** A provisioned instance that runs, or is stopped. */
export async function instanceThat(
  world: World,
  name: string,
  power: "running" | "stopped",
  type = small,
): Promise<string> {
  const { id } = await world.deploy(name, { type });
  await world.until(id, "provisioned");
  if (power === "stopped") expect(await asked(world, id, { kind: "shutdown" })).toMatchObject({ status: "done" });
  return id;
}

/** What really happened in the cloud: the actions of its feed that did not fail, oldest first, without the create. */
export async function cloudActions(world: World, providerId: string | undefined): Promise<string[]> {
  const answer = await fetch(`${world.sandbox.url}/v4/account/events?page_size=500`, {
    headers: { authorization: `Bearer ${sandboxToken}` },
  });
  const { data } = (await answer.json()) as {
    data: { id: number; action: string; status: string; entity: { id: number } | null }[];
  };
  return data
    .filter(({ entity, status }) => String(entity?.id) === providerId && status !== "failed")
    .toSorted((a, b) => a.id - b.id)
    .map(({ action }) => action)
    .filter((action) => action !== "linode_create");
}

/** The cloud's own word on an instance. */
export async function cloudSays(
  world: World,
  providerId: string | undefined,
): Promise<{ status: string; type: string }> {
  const answer = await fetch(`${world.sandbox.url}/v4/linode/instances/${providerId ?? ""}`, {
    headers: { authorization: `Bearer ${sandboxToken}` },
  });
  const { status, type } = (await answer.json()) as { status: string; type: string };
  return { status, type };
}
