import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../src/index.ts";
import { createBody, LinodeClient, TOKEN } from "./linode-client.ts";
import { ManualClock } from "./manual-clock.ts";

const INSTANCES = "/v4/linode/instances";
const PASSWORD = "correct horse battery";
let clock: ManualClock;
let sandbox: Sandbox;
let linode: LinodeClient;
let id: number;

beforeEach(async () => {
  clock = new ManualClock();
  // With these times: boots 200 ms, resizing 600, rebuilding and restoring 450, snapshot 400, image 500.
  sandbox = await startSandbox({ tokens: [TOKEN], clock, latency: "none", bootMs: 1_000, rateLimits: false });
  linode = new LinodeClient(sandbox.url);
  id = await linode.create("web-1", { type: "g6-standard-1", backups_enabled: true });
  clock.advance(1_000);
});

afterEach(() => sandbox.close());

const act = (what: string, body?: unknown) => linode.post(`${INSTANCES}/${id}/${what}`, body);
const show = async () => (await linode.get(`${INSTANCES}/${id}`)).body;
const disks = async () => (await linode.get(`${INSTANCES}/${id}/disks`)).body.data;
const list = async () => (await linode.get(`${INSTANCES}/${id}/backups`)).body;
const refusal = (reason: string, field?: string) => ({
  status: 400,
  body: { errors: [field === undefined ? { reason } : { reason, field }] },
});

async function shutDown(): Promise<void> {
  expect((await act("shutdown")).status).toBe(200);
  clock.advance(250);
}

describe("resize (C9, C16)", () => {
  test("cold: resizing under the old plan, then boots with the new one and a larger disk", async () => {
    expect(await act("resize", { type: "g6-standard-2" })).toMatchObject({ status: 200, body: {} });
    clock.advance(599);
    expect(await show()).toMatchObject({ status: "resizing", type: "g6-standard-1", specs: { memory: 2_048 } });
    clock.advance(1);
    expect(await show()).toMatchObject({ status: "booting", type: "g6-standard-2", specs: { memory: 4_096 } });
    clock.advance(200);
    expect(await show()).toMatchObject({ status: "running" });
    expect((await disks()).map(({ size }: { size: number }) => size)).toEqual([81_920 - 512, 512]);
  });

  test("warm: reboots into the new plan; off stays off", async () => {
    await act("resize", { type: "g6-standard-2", migration_type: "warm" });
    clock.advance(600);
    expect(await show()).toMatchObject({ status: "rebooting", type: "g6-standard-2" });
    clock.advance(350);
    await shutDown();
    await act("resize", { type: "g6-standard-4" });
    clock.advance(600);
    expect(await show()).toMatchObject({ status: "offline", type: "g6-standard-4" });
  });

  test("refused: the same plan, an unknown one, a busy instance", async () => {
    expect(await act("resize", { type: "g6-standard-1" })).toMatchObject(
      refusal("Linode is already running this service plan."),
    );
    expect(await act("resize", { type: "g9-huge" })).toMatchObject(
      refusal("A valid plan type by that ID was not found", "type"),
    );
    expect(await act("resize", {})).toMatchObject(refusal("type is required", "type"));
    expect(await act("resize", { type: "g6-standard-2", migration_type: "hot" })).toMatchObject({ status: 400 });
    await act("resize", { type: "g6-standard-2" });
    for (const what of ["resize", "reboot", "shutdown", "boot"]) {
      expect(await act(what, { type: "g6-standard-4" })).toMatchObject(refusal("Linode busy."));
    }
  });

  test("down: refused while the disks are too big, taken once one was made smaller with the power off", async () => {
    const tooBig = refusal(
      "Linode has allocated more disk than the new service plan allows. Delete or resize disks smaller.",
    );
    expect(await act("resize", { type: "g6-nanode-1" })).toMatchObject(tooBig);
    expect(await act("resize", { type: "g6-nanode-1", allow_auto_disk_resize: true })).toMatchObject(tooBig);
    const [main] = await disks();
    const shrink = (size: unknown) => act(`disks/${main.id}/resize`, { size });
    expect((await shrink(20_000)).body.errors[0].reason).toContain("powered off");
    await shutDown();
    expect((await shrink(90_000)).body.errors[0].field).toBe("size");
    expect((await shrink("small")).body.errors[0].field).toBe("size");
    expect((await shrink(20_000)).status).toBe(200);
    expect((await act("resize", { type: "g6-nanode-1", allow_auto_disk_resize: false })).status).toBe(200);
    clock.advance(600);
    expect(await show()).toMatchObject({ status: "offline", type: "g6-nanode-1" });
    expect((await disks())[0].size).toBe(20_000);
  });
});

describe("rebuild (C16)", () => {
  test("new disks and image, a first boot, and the same instance otherwise", async () => {
    const before = { shown: await show(), disks: await disks() };
    const body = { image: "linode/debian13", root_pass: PASSWORD };
    const answer = await act("rebuild", body);
    expect(answer).toMatchObject({ status: 200, body: { status: "rebuilding", image: "linode/debian13" } });
    expect(await act("rebuild", body)).toMatchObject(refusal("Linode busy."));
    clock.advance(450);
    expect((await show()).status).toBe("booting");
    clock.advance(200);
    const after = await show();
    expect(after).toMatchObject({ status: "running", ipv4: before.shown.ipv4, created: before.shown.created });
    expect((await disks())[0].id).not.toBe(before.disks[0].id);
    expect((await disks())[0].label).toBe("Debian 13 Disk");
  });

  test("with another plan, and without a boot", async () => {
    await act("rebuild", { image: "linode/debian13", root_pass: PASSWORD, type: "g6-nanode-1", booted: false });
    clock.advance(450);
    expect(await show()).toMatchObject({ status: "offline", type: "g6-nanode-1" });
    expect((await disks())[0].size).toBe(25_600 - 512);
  });

  test("refused without an image or a way to log in", async () => {
    const answer = await act("rebuild", {});
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map(({ field }: { field: string }) => field)).toEqual(["image", "root_pass"]);
  });
});

describe("backups (C3, C16)", () => {
  test("the daily one is there after a day", async () => {
    expect(await list()).toEqual({ automatic: [], snapshot: { current: null, in_progress: null } });
    expect((await show()).backups).toMatchObject({ enabled: true, available: false, last_successful: null });
    clock.advance(86_400_000);
    expect((await list()).automatic).toEqual([expect.objectContaining({ type: "auto", status: "successful" })]);
    expect((await show()).backups).toMatchObject({ available: true, last_successful: "2026-01-02T00:00:00" });
  });

  test("a snapshot takes its time, keeps the instance busy, and takes the former one's place", async () => {
    const first = await act("backups", { label: "one" });
    expect(first.body).toMatchObject({ type: "snapshot", label: "one", status: "running", available: false });
    expect((await list()).snapshot).toMatchObject({ current: null, in_progress: { label: "one" } });
    for (const what of ["reboot", "backups", "backups/cancel"]) {
      expect(await act(what, { label: "two" })).toMatchObject(refusal("Linode busy."));
    }
    clock.advance(400);
    const second = await act("backups", { label: "two" });
    expect(second.body.id).not.toBe(first.body.id);
    clock.advance(400);
    expect((await list()).snapshot).toMatchObject({ current: { label: "two", available: true }, in_progress: null });
    expect((await linode.get(`${INSTANCES}/${id}/backups/${first.body.id}`)).status).toBe(404);
    expect((await linode.get(`${INSTANCES}/${id}/backups/${second.body.id}`)).body.label).toBe("two");
  });

  test("cancel deletes them all; snapshots need the service; enabling again starts anew", async () => {
    await act("backups", { label: "one" });
    clock.advance(400);
    expect((await act("backups/cancel")).status).toBe(200);
    expect(await list()).toEqual({ automatic: [], snapshot: { current: null, in_progress: null } });
    expect((await show()).backups).toMatchObject({ enabled: false, schedule: { day: null, window: null } });
    expect((await act("backups", { label: "two" })).body.errors[0].reason).toContain("not enabled");
    expect((await act("backups/enable")).status).toBe(200);
    expect((await act("backups/enable")).status).toBe(200);
    expect((await show()).backups.enabled).toBe(true);
    expect(await act("backups", {})).toMatchObject(refusal("label is required", "label"));
  });

  test("restore puts the disks of then on the instance, which is offline afterwards", async () => {
    const { body: backup } = await act("backups", { label: "before" });
    const restore = (target: number, overwrite: boolean) =>
      act(`backups/${backup.id}/restore`, { linode_id: target, overwrite });
    expect((await restore(id, true)).body.errors[0].reason).toContain("not available");
    clock.advance(400);
    await act("resize", { type: "g6-standard-2" });
    clock.advance(1_000);
    expect((await restore(id, false)).body.errors[0].reason).toContain("Insufficient space");
    expect((await restore(id, true)).status).toBe(200);
    expect((await show()).status).toBe("restoring");
    clock.advance(450);
    expect(await show()).toMatchObject({ status: "offline", type: "g6-standard-2" });
    expect((await disks()).map(({ size }: { size: number }) => size)).toEqual([51_200 - 512, 512]);
  });

  test("restore to another instance: of the same region, with space, that exists", async () => {
    const { body: backup } = await act("backups", { label: "before" });
    const empty = await linode.create("empty", { image: undefined, root_pass: undefined, type: "g6-standard-2" });
    const abroad = await linode.create("abroad", { region: "eu-central" });
    clock.advance(1_000);
    const restore = (target: unknown) => act(`backups/${backup.id}/restore`, { linode_id: target });
    expect((await restore(abroad)).body.errors[0]).toMatchObject({ field: "linode_id" });
    expect((await restore(1)).body.errors[0]).toMatchObject({ field: "linode_id" });
    expect((await restore(undefined)).body.errors[0]).toMatchObject({ field: "linode_id" });
    expect((await restore(empty)).status).toBe(200);
    clock.advance(450);
    expect((await linode.post(`${INSTANCES}/${empty}/boot`)).status).toBe(200);
  });
});

describe("images of the account (C2, C16)", () => {
  test("from a disk: creating, then available, deployed from, updated, deleted", async () => {
    const [main] = await disks();
    const { body: image } = await linode.post("/v4/images", { disk_id: main.id, label: "gold", tags: ["golden"] });
    expect(image).toMatchObject({ id: "private/2", status: "creating", is_public: false, size: 1_800 });
    const early = await linode.post(INSTANCES, createBody("web-2", { image: image.id }));
    expect(early.body.errors[0]).toMatchObject({ field: "image" });
    clock.advance(500);
    expect((await linode.get("/v4/images/private/2")).body.status).toBe("available");
    await linode.create("web-2", { image: image.id });
    const update = await linode.call("PUT", "/v4/images/private/2", { label: "old", description: "of May" });
    expect(update.body).toMatchObject({ label: "old", description: "of May", tags: ["golden"] });
    const mine = await linode.get("/v4/images", { is_public: false });
    expect(mine.body.data.map(({ label }: { label: string }) => label)).toEqual(["provost-golden-debian", "old"]);
    expect((await linode.call("DELETE", "/v4/images/private%2F2")).status).toBe(200);
    expect((await linode.get("/v4/images/private/2")).status).toBe(404);
    expect((await linode.post(INSTANCES, createBody("web-3", { image: image.id }))).status).toBe(400);
  });

  test("refused: a disk that is not there, a public image's deletion, a busy instance", async () => {
    for (const disk_id of [undefined, 1, 100_000_009, "x"]) {
      expect((await linode.post("/v4/images", { disk_id })).body.errors[0].field).toBe("disk_id");
    }
    expect((await linode.call("DELETE", "/v4/images/linode/debian12")).status).toBe(403);
    expect((await linode.call("DELETE", "/v4/images/private/99")).status).toBe(404);
    const [main] = await disks();
    await act("reboot");
    expect(await linode.post("/v4/images", { disk_id: main.id })).toMatchObject(refusal("Linode busy."));
  });
});
