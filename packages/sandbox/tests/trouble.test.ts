import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FaultSpec, type Sandbox, SandboxError, startSandbox } from "../src/index.ts";
import { createBody, LinodeClient, TOKEN, until } from "./linode-client.ts";
import { ManualClock } from "./manual-clock.ts";

const INSTANCES = "/v4/linode/instances";
let clock: ManualClock;
let sandbox: Sandbox;
let linode: LinodeClient;

beforeEach(async () => {
  clock = new ManualClock();
  sandbox = await startSandbox({ tokens: [TOKEN], clock, latency: "none", bootMs: 1_000, rateLimits: false });
  linode = new LinodeClient(sandbox.url);
});

afterEach(() => sandbox.close());

/** The ids on one page. */
async function page(number: number, filter?: unknown): Promise<number[]> {
  const { body } = await linode.get(`${INSTANCES}?page=${number}&page_size=25`, filter);
  return body.data.map(({ id }: { id: number }) => id);
}

/** How many of 60 calls are refused for their rate. */
async function refusedOf60(): Promise<number> {
  const answers = await Promise.all(Array.from({ length: 60 }, () => linode.get("/v4/profile")));
  return answers.filter(({ status }) => status === 429).length;
}

async function running(): Promise<number> {
  const id = await linode.create("web-1");
  clock.advance(1_000);
  expect(await linode.status(id)).toBe("running");
  return id;
}

/** The newest event of a kind. */
async function newest(action: string): Promise<unknown> {
  return (await linode.get("/v4/account/events", { action })).body.data[0];
}

describe("calls that go wrong (C4, C11, C12, C16)", () => {
  test("slow: the effect comes at once, the answer late", async () => {
    sandbox.addFault({ kind: "slow", method: "POST", path: INSTANCES, delay_ms: 60_000 });
    const create = linode.post(INSTANCES, createBody("web-1"));
    await until(
      () => sandbox.stats().creates_accepted,
      (count) => count === 1,
    );
    clock.advance(59_999);
    await expect(Promise.race([create, linode.get("/v4/profile").then(() => "no answer yet")])).resolves.toBe(
      "no answer yet",
    );
    clock.advance(1);
    expect((await create).body.label).toBe("web-1");
  });

  test("maintenance: 503 for everything, with its header, until it is over", async () => {
    sandbox.addFault({ kind: "maintenance", for_ms: 300_000 });
    for (const path of ["/v4/profile", INSTANCES, "/v4/regions"]) {
      const answer = await linode.get(path);
      expect(answer.status).toBe(503);
      expect(answer.headers.get("x-maintenance-mode")).toBe("all");
    }
    expect((await linode.post(INSTANCES, createBody("web-1"))).status).toBe(503);
    expect(sandbox.stats().creates_accepted).toBe(0);
    clock.advance(300_000);
    await linode.create("web-1");
  });

  test("a storm of 429s hits a share of the calls for a span", async () => {
    sandbox.addFault({ kind: "rate_limit", probability: 0.5, for_ms: 60_000, retry_after: 3 });
    const refused = await refusedOf60();
    expect(refused).toBeGreaterThan(10);
    expect(refused).toBeLessThan(50);
    clock.advance(60_000);
    expect(await refusedOf60()).toBe(0);
  });

  test("an error may carry a Retry-After that makes no sense, as Linode's have", async () => {
    sandbox.addFault({ kind: "error_before", path: "/v4/profile", retry_after: -5 });
    expect((await linode.get("/v4/profile")).headers.get("retry-after")).toBe("-5");
  });

  test("flapping: every instance shows a status that it does not have, and nothing else changes", async () => {
    sandbox.populate({ count: 30 });
    const { body: before } = await linode.get(INSTANCES);
    sandbox.addFault({ kind: "flapping", method: "GET", path: `${INSTANCES}/**`, times: 2 });
    sandbox.addFault({ kind: "flapping", method: "GET", path: INSTANCES, times: 1 });
    const { body: during } = await linode.get(INSTANCES);
    expect(during.data.filter(({ status }: { status: string }) => status === "running")).toEqual([]);
    const [one] = before.data;
    expect((await linode.get(`${INSTANCES}/${one.id}`)).body).toMatchObject({ ...one, status: expect.any(String) });
    expect(await linode.status(one.id)).not.toBe("running");
    expect((await linode.get(INSTANCES)).body).toEqual(before);
  });

  test("shifted pages: items are missed, or come twice; a keyset read loses none (C10)", async () => {
    const { first_id: first } = sandbox.populate({ count: 100 });
    const ids = Array.from({ length: 100 }, (_, n) => first + n);
    sandbox.addFault({ kind: "shifted_pages", path: INSTANCES, shift: 2, for_ms: 1_000 });
    expect([...(await page(1)), ...(await page(2))]).toEqual([...ids.slice(0, 25), ...ids.slice(27, 52)]);
    const read: number[] = [];
    for (let last = 0; read.length < 100; last = read.at(-1) ?? Infinity) {
      read.push(...(await page(1, { id: { "+gt": last }, "+order_by": "id" })));
    }
    expect(read).toEqual(ids);
    sandbox.clearFaults();
    sandbox.addFault({ kind: "shifted_pages", path: INSTANCES, shift: -2, for_ms: 1_000 });
    expect(await page(2)).toEqual(ids.slice(23, 48));
  });

  test("one of several is taken back by its id", async () => {
    const { id } = sandbox.addFault({ kind: "maintenance", for_ms: 300_000 });
    sandbox.addFault({ kind: "rate_limit", path: "/v4/profile" });
    expect((await linode.call("DELETE", `/sandbox/faults/${id}`)).status).toBe(200);
    expect((await linode.get("/v4/profile")).status).toBe(429);
  });
});

describe("tasks that go wrong (C7, C9, C16)", () => {
  test("stuck boots: the next n never end; the others do", async () => {
    sandbox.addFault({ kind: "stuck", times: 2, label_prefix: "web-" });
    const ids: number[] = [];
    for (const label of ["web-1", "web-2", "web-3", "db-1"]) ids.push(await linode.create(label));
    clock.advance(86_400_000);
    const statuses = await Promise.all(ids.map((id) => linode.status(id)));
    expect(statuses).toEqual(["booting", "booting", "running", "running"]);
    const boots = (await linode.get("/v4/account/events", { action: "linode_boot" })).body.data;
    expect(boots.filter(({ status }: { status: string }) => status === "started")).toHaveLength(2);
  });

  test("any task can be stuck, and is cut off by a delete", async () => {
    const id = await running();
    sandbox.addFault({ kind: "stuck", action: "linode_shutdown" });
    await linode.post(`${INSTANCES}/${id}/shutdown`);
    clock.advance(86_400_000);
    expect(await linode.status(id)).toBe("shutting_down");
    await linode.call("DELETE", `${INSTANCES}/${id}`);
    clock.advance(1_000);
    expect(await linode.status(id)).toBeUndefined();
  });

  test.each([
    ["resize", { type: "g6-standard-1" }, "linode_resize", "running"],
    ["shutdown", undefined, "linode_shutdown", "running"],
    ["reboot", undefined, "linode_reboot", "offline"],
    ["rebuild", { image: "linode/debian13", root_pass: "correct horse battery" }, "linode_rebuild", "offline"],
  ])("a %s that fails has changed neither plan nor disks, and its event says so", async (what, body, action, rest) => {
    const id = await running();
    const disks = async () => (await linode.get(`${INSTANCES}/${id}/disks`)).body.data.map((disk: any) => disk.size);
    const before = await disks();
    sandbox.addFault({ kind: "task_failed", action: action as NonNullable<FaultSpec["action"]> });
    expect((await linode.post(`${INSTANCES}/${id}/${what}`, body)).status).toBe(200);
    clock.advance(1_000);
    expect((await linode.get(`${INSTANCES}/${id}`)).body).toMatchObject({ status: rest, type: "g6-nanode-1" });
    expect(await disks()).toEqual(before);
    expect(await newest(action)).toMatchObject({ status: "failed", message: expect.stringContaining("fault") });
  });
});

describe("deletion behind our back (C10, C13, C16)", () => {
  test("n at random are gone at once, with nothing in the feed; others stay", async () => {
    sandbox.populate({ count: 40 });
    sandbox.populate({ count: 10, label_prefix: "other-" });
    const { body } = await linode.post("/sandbox/vanish", { count: 15, label_prefix: "fleet-" });
    expect(new Set(body.ids).size).toBe(15);
    const left = [...(await page(1)), ...(await page(2))];
    expect(left).toHaveLength(35);
    expect(left.filter((id) => body.ids.includes(id))).toEqual([]);
    expect((await linode.get(`${INSTANCES}/${body.ids[0]}`)).status).toBe(404);
    expect((await linode.get("/v4/account/events")).body.results).toBe(0);
    expect(sandbox.stats()).toMatchObject({ populated: 50, vanished: 15, deletes_accepted: 0 });
    // Not simply the first ones.
    expect(Math.max(...body.ids) - Math.min(...body.ids)).toBeGreaterThan(15);
  });

  test("chosen ones, told in the feed where it is asked for; never more than there are", async () => {
    const { first_id: first } = sandbox.populate({ count: 5 });
    expect((await linode.post("/sandbox/vanish", { ids: [first, first + 2, 7], events: true })).body.ids).toEqual([
      first,
      first + 2,
    ]);
    const { body } = await linode.get("/v4/account/events");
    expect(body.data.map(({ action, status }: any) => `${action} ${status}`)).toEqual([
      "linode_delete finished",
      "linode_delete finished",
    ]);
    expect(sandbox.vanish({ count: 99 })).toHaveLength(3);
    expect((await linode.post("/sandbox/vanish", {})).body.errors[0].field).toBe("count");
  });
});

describe("the account's clock (C10, C16)", () => {
  test("an offset moves what is stamped from now on, and no duration", async () => {
    const one = await linode.create("web-1");
    expect((await linode.call("PUT", "/sandbox/clock", { offset_ms: -3_600_000 })).body).toEqual({
      offset_ms: -3_600_000,
    });
    const two = await linode.create("web-2");
    const created = async (id: number) => (await linode.get(`${INSTANCES}/${id}`)).body.created;
    expect([await created(one), await created(two)]).toEqual(["2026-01-01T00:00:00", "2025-12-31T23:00:00"]);
    const [event] = (await linode.get("/v4/account/events", { "entity.id": two })).body.data;
    expect(event.created).toBe("2025-12-31T23:00:00");
    clock.advance(650);
    expect(await linode.status(two)).toBe("running");
    expect((await linode.get("/sandbox/clock")).body).toEqual({ offset_ms: -3_600_000 });
    expect((await linode.call("PUT", "/sandbox/clock", { offset_ms: "soon" })).status).toBe(400);
  });
});

describe("trouble by configuration (C16)", () => {
  test("faults, a fleet and an offset can be there from the start", async () => {
    await sandbox.close();
    sandbox = await startSandbox({
      tokens: [TOKEN],
      clock,
      latency: "none",
      faults: [{ kind: "rate_limit", path: "/v4/profile" }],
      populate: { count: 30, tags: ["fleet"], status: "offline", region: "eu-central", type: "g6-standard-1" },
      clockOffsetMs: 60_000,
    });
    linode = new LinodeClient(sandbox.url);
    expect((await linode.get("/v4/profile")).status).toBe(429);
    const { body } = await linode.get(INSTANCES, { tags: "fleet", region: "eu-central" });
    expect(body).toMatchObject({ results: 30 });
    expect(body.data[0]).toMatchObject({
      label: "fleet-60000001",
      status: "offline",
      type: "g6-standard-1",
      created: "2026-01-01T00:01:00",
    });
    expect((await linode.post(`${INSTANCES}/${body.data[0].id}/boot`)).status).toBe(200);
  });

  test.each([
    ["populate", { populate: { count: 0 } }],
    ["populate", { populate: { count: 31 }, instanceLimit: 30 }],
    ["moon", { populate: { count: 1, region: "moon" } }],
    ["clock offset", { clockOffsetMs: 0.5 }],
  ])("%s is refused with %j", async (word, options) => {
    const start = startSandbox({ tokens: [TOKEN], ...options });
    await expect(start).rejects.toThrow(SandboxError);
    await expect(start).rejects.toThrow(word === "moon" ? "region" : word);
  });
});
