import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../src/index.ts";
import { LinodeClient, TOKEN } from "./linode-client.ts";
import { ManualClock } from "./manual-clock.ts";

const INSTANCES = "/v4/linode/instances";
const EVENTS = "/v4/account/events";
let clock: ManualClock;
let sandbox: Sandbox;
let linode: LinodeClient;

interface Event {
  id: number;
  action: string;
  status: string;
  created: string;
}

beforeEach(async () => {
  clock = new ManualClock();
  sandbox = await startSandbox({ tokens: [TOKEN], clock, latency: "none", bootMs: 1_000, rateLimits: false });
  linode = new LinodeClient(sandbox.url);
});

afterEach(() => sandbox.close());

async function events(filter?: unknown): Promise<Event[]> {
  const answer = await linode.get(EVENTS, filter);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.data;
}

async function told(filter: unknown = { "+order_by": "id" }): Promise<string[]> {
  return (await events(filter)).map(({ action, status }) => `${action} ${status}`);
}

describe("the account's feed (C10, C16)", () => {
  test("an instance's life, oldest first where it is asked for, else newest first", async () => {
    const id = await linode.create("web-1");
    clock.advance(1_000);
    await linode.post(`${INSTANCES}/${id}/reboot`);
    clock.advance(350);
    await linode.call("PUT", `${INSTANCES}/${id}`, { tags: ["blue"] });
    await linode.post(`${INSTANCES}/${id}/resize`, { type: "g6-standard-1" });
    clock.advance(1_000);
    await linode.post(`${INSTANCES}/${id}/shutdown`);
    clock.advance(250);
    await linode.call("DELETE", `${INSTANCES}/${id}`);
    clock.advance(200);
    const life = [
      "linode_create finished",
      "linode_boot finished",
      "linode_reboot finished",
      "linode_update notification",
      "linode_resize finished",
      "linode_boot finished",
      "linode_shutdown finished",
      "linode_delete finished",
    ];
    expect(await told()).toEqual(life);
    expect(await told({})).toEqual(life.toReversed());
    const [first] = await events({ "+order_by": "id" });
    const entity = { id, type: "linode", label: "web-1", url: `${INSTANCES}/${id}` };
    expect(first).toMatchObject({ entity, duration: 0.45, percent_complete: 100, username: "sandbox" });
  });

  test("ids ascend; an event is started, then finished, in place, and says how far it is", async () => {
    await linode.create("web-1");
    clock.advance(90);
    const [started] = await events();
    expect(started).toMatchObject({ action: "linode_create", status: "started", percent_complete: 20, duration: 0 });
    clock.advance(359);
    expect(await events()).toEqual([expect.objectContaining({ status: "started", percent_complete: 99 })]);
    clock.advance(1);
    const [boot, create] = await events();
    expect(create).toMatchObject({ id: started?.id, status: "finished", percent_complete: 100 });
    expect(boot).toMatchObject({ action: "linode_boot", status: "started" });
    expect(boot?.id).toBeGreaterThan(create?.id ?? Infinity);
    expect((await linode.get(`${EVENTS}/${boot?.id}`)).body).toEqual(boot);
    expect((await linode.get(`${EVENTS}/${(boot?.id ?? 0) + 1}`)).status).toBe(404);
  });

  test("filters: id, created, action, the entity; keyset behind a cursor", async () => {
    const one = await linode.create("web-1");
    clock.advance(5_000);
    const two = await linode.create("web-2");
    clock.advance(5_000);
    const ofTwo = await events({ "entity.id": two, "entity.type": "linode" });
    expect(ofTwo).toHaveLength(2);
    expect(await told({ action: "linode_boot", "+order_by": "id" })).toHaveLength(2);
    const later = await events({ created: { "+gte": "2026-01-01T00:00:05" } });
    expect(later.map(({ id }) => id)).toEqual(ofTwo.map(({ id }) => id));
    const all = await events({ "+order_by": "created", "+order": "asc" });
    const behind = await events({ id: { "+gt": all[1]?.id }, "+order_by": "id" });
    expect(behind).toEqual(all.slice(2));
    const wait = { action: "linode_create", "entity.id": one, "+order_by": "created", "+order": "desc" };
    expect(await events(wait)).toHaveLength(1);
    expect((await linode.get(EVENTS, { status: "failed" })).status).toBe(400);
  });

  test("work that was cut off has failed, with the reason", async () => {
    const id = await linode.create("web-1");
    await linode.call("DELETE", `${INSTANCES}/${id}`);
    clock.advance(1_000);
    expect(await told()).toEqual(["linode_create failed", "linode_delete finished"]);
    const [, create] = await events();
    expect(create).toMatchObject({ message: "interrupted: the Linode is deleting" });
  });

  test("a snapshot of an instance that is gone meanwhile has failed", async () => {
    const id = await linode.create("web-1", { backups_enabled: true });
    clock.advance(1_000);
    await linode.post(`${INSTANCES}/${id}/backups`, { label: "one" });
    sandbox.vanish({ ids: [id] });
    clock.advance(400);
    const [snapshot] = await events({ action: "linode_snapshot" });
    expect(snapshot).toMatchObject({ status: "failed", message: "the Linode is gone" });
  });

  test("images and backups are in it, an image as what a disk became", async () => {
    const id = await linode.create("web-1", { backups_enabled: true });
    clock.advance(1_000);
    const [disk] = (await linode.get(`${INSTANCES}/${id}/disks`)).body.data;
    await linode.post("/v4/images", { disk_id: disk.id, label: "gold" });
    clock.advance(500);
    await linode.post(`${INSTANCES}/${id}/backups`, { label: "one" });
    clock.advance(400);
    await linode.post(`${INSTANCES}/${id}/backups/cancel`);
    await linode.call("DELETE", "/v4/images/private/2");
    expect((await told()).slice(2)).toEqual([
      "disk_imagize finished",
      "linode_snapshot finished",
      "backups_cancel notification",
      "image_delete notification",
    ]);
    const [imagize] = await events({ action: "disk_imagize" });
    expect(imagize).toMatchObject({
      entity: { id, type: "linode" },
      secondary_entity: { id: "private/2", type: "image", label: "gold", url: "/v4/images/private/2" },
    });
    const [removed] = await events({ "entity.type": "image" });
    expect(removed).toMatchObject({ action: "image_delete", percent_complete: null, entity: { id: 2, label: "gold" } });
  });
});
