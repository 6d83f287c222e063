import {
  backupSchema,
  fleetMemberSchema,
  fleetPreviewSchema,
  fleetSchema,
  instanceSchema,
  pageSchema,
  problemSchema,
  taskSchema,
  type TaskView,
} from "@provost/contract";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { Running } from "./running.ts";

let running: Running;
beforeAll(async () => {
  running = await Running.start();
  await deployed("web-1");
});
afterAll(() => running.stop());

async function deployed(name: string): Promise<void> {
  await running.call("POST", "/v1/instances", { name, provider: "sandbox" });
  await vi.waitFor(
    async () => {
      const answer = await running.call("GET", `/v1/instances/${name}`);
      expect(instanceSchema.parse(await answer.json()).status).toBe("provisioned");
    },
    { timeout: 60_000, interval: 20 },
  );
}

async function begun(path: string, body?: object, headers: Record<string, string> = {}): Promise<TaskView> {
  const answer = await running.call("POST", `/v1/instances/${path}`, body, headers);
  expect(answer.status, await answer.clone().text()).toBe(202);
  return taskSchema.parse(await answer.json());
}

async function ended({ id }: TaskView): Promise<TaskView> {
  return vi.waitFor(
    async () => {
      const task = taskSchema.parse(await (await running.call("GET", `/v1/tasks/${id}`)).json());
      expect(task.endedAt).toBeDefined();
      return task;
    },
    { timeout: 60_000, interval: 20 },
  );
}

async function refused(path: string, body?: object): Promise<z.infer<typeof problemSchema>> {
  const answer = await running.call("POST", path, body);
  return problemSchema.parse(await answer.json());
}

describe("C9 tasks over HTTP", () => {
  test("each signal, a resize, a snapshot and a restore; a bare POST is enough", async () => {
    expect(await ended(await begun("web-1/shutdown"))).toMatchObject({
      kind: "shutdown",
      status: "done",
      requestedBy: "admin",
    });
    expect(await ended(await begun("web-1/boot", {}))).toMatchObject({ status: "done" });
    expect(await ended(await begun("web-1/reboot", { ifBusy: "wait" }))).toMatchObject({ status: "done" });
    expect(await ended(await begun("web-1/resize", { type: "g6-standard-1" }))).toMatchObject({ status: "done" });
    const taken = await ended(await begun("web-1/snapshot", { label: "snap-1" }));
    const { items } = z
      .object({ items: z.array(backupSchema) })
      .parse(await (await running.call("GET", "/v1/instances/web-1/backups")).json());
    expect(items).toMatchObject([{ id: taken.backupId, label: "snap-1", status: "available" }]);
    expect(await ended(await begun("web-1/restore", { backup: "snap-1" }))).toMatchObject({ status: "done" });
    expect(await ended(await begun("web-1/power-off"))).toMatchObject({ status: "done" });
    expect(await ended(await begun("web-1/boot"))).toMatchObject({ status: "done" });
    const page = pageSchema(taskSchema).parse(
      await (await running.call("GET", "/v1/instances/web-1/tasks?limit=3")).json(),
    );
    expect(page.items.map(({ kind }) => kind)).toEqual(["boot", "power-off", "restore"]);
    const rest = await running.call("GET", `/v1/instances/web-1/tasks?after=${page.next}`);
    expect(pageSchema(taskSchema).parse(await rest.json()).items).toHaveLength(5);
  });

  test("refusals say why: 409 with the state, 404, 422, 400", async () => {
    const path = "/v1/instances/web-1";
    expect(await refused(`${path}/boot`)).toMatchObject({ status: 409, code: "instance_running" });
    expect(await refused(`${path}/resize`, { type: "huge" })).toMatchObject({ status: 422, code: "type_not_found" });
    expect(await refused(`${path}/restore`, { backup: "none" })).toMatchObject({
      status: 404,
      code: "backup_not_found",
    });
    expect(await refused(`${path}/snapshot`, { label: "No!" })).toMatchObject({ status: 400, field: "label" });
    expect(await refused(`${path}/reboot`, { ifBusy: "maybe" })).toMatchObject({ status: 400, field: "ifBusy" });
    expect(await refused("/v1/instances/nobody/reboot")).toMatchObject({ status: 404, code: "instance_not_found" });
    const none = problemSchema.parse(await (await running.call("GET", "/v1/tasks/ta_none")).json());
    expect(none).toMatchObject({ status: 404, code: "task_not_found" });
  });

  test("C14 the same idempotency key is the same task; protected from destroy until it is not", async () => {
    const key = { "idempotency-key": "reboot-1" };
    const first = await begun("web-1/reboot", undefined, key);
    expect(await begun("web-1/reboot", undefined, key)).toMatchObject({ id: first.id });
    await ended(first);
    expect((await running.call("POST", "/v1/instances/web-1/protect")).status).toBe(200);
    const kept = await running.call("DELETE", "/v1/instances/web-1");
    expect(problemSchema.parse(await kept.json())).toMatchObject({ status: 409, code: "instance_protected" });
    expect((await running.call("POST", "/v1/instances/web-1/unprotect")).status).toBe(200);
  });
});

test("C9 a fleet command over HTTP: previewed, confirmed, followed, with a result for each", async () => {
  await deployed("web-2");
  const preview = await running.call("POST", "/v1/fleets/preview", { action: "reboot", filter: "name:web-*" });
  const { count, preview: token } = fleetPreviewSchema.parse(await preview.json());
  expect(count).toBe(2);
  expect(await refused("/v1/fleets", { action: "reboot", filter: "name:web-*", count: 5 })).toMatchObject({
    code: "fleet_changed",
  });
  const answer = await running.call("POST", "/v1/fleets", { action: "reboot", filter: "name:web-*", preview: token });
  expect(answer.status).toBe(202);
  const { id } = fleetSchema.parse(await answer.json());
  await vi.waitFor(
    async () => {
      const fleet = fleetSchema.parse(await (await running.call("GET", `/v1/fleets/${id}`)).json());
      expect(fleet).toMatchObject({
        status: "done",
        members: { done: 2 },
        requestedBy: "admin",
        endedAt: expect.any(String),
      });
    },
    { timeout: 60_000, interval: 20 },
  );
  const members = pageSchema(fleetMemberSchema).parse(
    await (await running.call("GET", `/v1/fleets/${id}/members?status=done`)).json(),
  );
  expect(members.items.map(({ name }) => name)).toEqual(["web-1", "web-2"]);
  expect((await running.call("POST", `/v1/fleets/${id}/cancel`)).status).toBe(200);
  const list = pageSchema(fleetSchema).parse(await (await running.call("GET", "/v1/fleets")).json());
  expect(list.items).toMatchObject([{ id, status: "done" }]);
});
