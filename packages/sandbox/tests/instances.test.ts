import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../src/index.ts";
import { createBody, LinodeClient, TOKEN } from "./linode-client.ts";
import { ManualClock } from "./manual-clock.ts";

let clock: ManualClock;
let sandbox: Sandbox;
let linode: LinodeClient;

beforeEach(async () => {
  clock = new ManualClock();
  // With these times: provisioning 450 ms, booting 200, rebooting 350, shutting down 250, deleting 200.
  sandbox = await startSandbox({ tokens: [TOKEN], clock, latency: "none", bootMs: 1_000, instanceLimit: 30 });
  linode = new LinodeClient(sandbox.url);
});

afterEach(() => sandbox.close());

describe("an instance's life (C16)", () => {
  test("create: provisioning, booting, running, each in its time", async () => {
    const id = await linode.create("web-1");
    clock.advance(449);
    expect(await linode.status(id)).toBe("provisioning");
    clock.advance(1);
    expect(await linode.status(id)).toBe("booting");
    clock.advance(200);
    expect(await linode.status(id)).toBe("running");
    clock.advance(3_600_000);
    expect(await linode.status(id)).toBe("running");
  });

  test("shutdown, boot, reboot", async () => {
    const id = await linode.create("web-1");
    clock.advance(1_000);
    expect((await linode.post(`/v4/linode/instances/${id}/shutdown`)).body).toEqual({});
    expect(await linode.status(id)).toBe("shutting_down");
    clock.advance(250);
    expect(await linode.status(id)).toBe("offline");
    expect((await linode.post(`/v4/linode/instances/${id}/boot`)).body).toEqual({});
    expect(await linode.status(id)).toBe("booting");
    clock.advance(200);
    expect((await linode.post(`/v4/linode/instances/${id}/reboot`, "")).body).toEqual({});
    expect(await linode.status(id)).toBe("rebooting");
    clock.advance(350);
    expect(await linode.status(id)).toBe("running");
  });

  test("signals a state does not allow are Linode's 400", async () => {
    const id = await linode.create("web-1");
    const busy = await linode.post(`/v4/linode/instances/${id}/reboot`);
    expect(busy).toMatchObject({ status: 400, body: { errors: [{ reason: "Linode busy." }] } });
    clock.advance(1_000);
    const again = await linode.post(`/v4/linode/instances/${id}/boot`);
    expect(again).toMatchObject({ status: 400, body: { errors: [{ reason: `Linode ${id} already booted.` }] } });
  });

  test("delete: deleting, then 404; a second delete meanwhile is taken; label and address are free again", async () => {
    const id = await linode.create("web-1");
    const { body: before } = await linode.get(`/v4/linode/instances/${id}`);
    const remove = () => linode.call("DELETE", `/v4/linode/instances/${id}`);
    expect(await remove()).toMatchObject({ status: 200, body: {} });
    expect(await linode.status(id)).toBe("deleting");
    expect((await remove()).status).toBe(200);
    clock.advance(10_000);
    expect(await linode.status(id)).toBeUndefined();
    expect(await remove()).toMatchObject({ status: 404, body: { errors: [{ reason: "Not found" }] } });
    const next = await linode.create("web-1");
    expect(next).toBeGreaterThan(id);
    expect((await linode.get(`/v4/linode/instances/${next}`)).body.ipv4).toEqual(before.ipv4);
    expect(sandbox.stats()).toMatchObject({ deletes_accepted: 1, labels_created_again: ["web-1"] });
  });

  test("the end of a state that was left does not end the one that followed", async () => {
    const id = await linode.create("web-1");
    clock.advance(400);
    await linode.call("DELETE", `/v4/linode/instances/${id}`);
    // Here provisioning would have ended.
    clock.advance(60);
    expect(await linode.status(id)).toBe("deleting");
    clock.advance(140);
    expect(await linode.status(id)).toBeUndefined();
  });

  test("booted: false and no image stay offline; the first can be booted", async () => {
    const off = await linode.create("off", { booted: false });
    const empty = await linode.create("empty", { image: undefined, root_pass: undefined });
    clock.advance(450);
    expect([await linode.status(off), await linode.status(empty)]).toEqual(["offline", "offline"]);
    expect((await linode.post(`/v4/linode/instances/${empty}/boot`)).status).toBe(400);
    await linode.post(`/v4/linode/instances/${off}/boot`);
    clock.advance(200);
    expect(await linode.status(off)).toBe("running");
  });

  test("update changes label and tags", async () => {
    const id = await linode.create("web-1");
    await linode.create("web-2");
    const update = (body: unknown) => linode.call("PUT", `/v4/linode/instances/${id}`, body);
    expect((await update({ tags: ["blue"], label: "web-3" })).body).toMatchObject({ label: "web-3", tags: ["blue"] });
    expect((await update({ label: "web-2" })).body.errors[0].field).toBe("label");
    expect((await update({ label: "web-3" })).status).toBe(200);
    await linode.create("web-1");
  });
});

describe("what a create refuses, as Linode words it (C4, C16)", () => {
  test.each<[string, Record<string, unknown>, string, string]>([
    ["unknown region", { region: "moon-1" }, "region", "region is not valid"],
    ["no region", { region: undefined }, "region", "region is required"],
    ["unknown type", { type: "g9-huge" }, "type", "A valid plan type by that ID was not found"],
    ["unknown image", { image: "linode/none" }, "image", "image is not valid"],
    ["neither password nor key", { root_pass: undefined }, "root_pass", "root_pass is required"],
    ["short password", { root_pass: "short" }, "root_pass", "Length must be 11-128 characters"],
    ["short label", { label: "ab" }, "label", "Length must be 3-64 characters"],
    ["label with two dashes", { label: "web--1" }, "label", "Label must start with a letter"],
    ["label that ends in a dash", { label: "web-" }, "label", "Label must start with a letter"],
    ["long tag", { tags: ["x".repeat(51)] }, "tags", "Tag length must be 3-50 characters"],
    ["user data not base64", { metadata: { user_data: "%%%" } }, "metadata.user_data", "Must be base64-encoded"],
    [
      "too much user data",
      { metadata: { user_data: Buffer.alloc(65_536).toString("base64") } },
      "metadata.user_data",
      "Must not exceed 65535 bytes",
    ],
  ])("%s", async (_name, fields, field, reason) => {
    const answer = await linode.post("/v4/linode/instances", createBody("web-1", fields));
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toEqual([{ field, reason: expect.stringContaining(reason) }]);
    expect(sandbox.stats()).toMatchObject({ instances: 0, creates_accepted: 0 });
  });

  test("a taken label", async () => {
    await linode.create("web-1");
    const answer = await linode.post("/v4/linode/instances", createBody("web-1"));
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [{ reason: "Label must be unique among your linodes", field: "label" }] },
    });
  });

  test("many creates of one label at once: one is taken", async () => {
    const answers = await Promise.all(
      Array.from({ length: 15 }, () => linode.post("/v4/linode/instances", createBody("web-1"))),
    );
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(sandbox.stats()).toMatchObject({ instances: 1, creates_by_label: { "web-1": 1 } });
  });

  test("one more than the account may have", async () => {
    await sandbox.close();
    sandbox = await startSandbox({ tokens: [TOKEN], clock, fast: true, instanceLimit: 1 });
    linode = new LinodeClient(sandbox.url);
    await linode.create("web-1");
    const answer = await linode.post("/v4/linode/instances", createBody("web-2"));
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [{ reason: expect.stringContaining("Account Limit reached") }] },
    });
  });

  test("keys in place of a password are enough", async () => {
    await linode.create("web-1", { root_pass: undefined, authorized_keys: ["ssh-ed25519 AAAA test"] });
  });

  test("a body that is no JSON", async () => {
    const answer = await linode.post("/v4/linode/instances", "{label:");
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ reason: "JSON parse error" }] } });
  });
});

describe("lists and doors (C10, C15, C16)", () => {
  test("instances page by id with a filter and the envelope", async () => {
    for (let n = 0; n < 30; n++) {
      if (n === 20) clock.advance(15_000);
      await linode.create(`web-${n}`, { tags: n % 3 === 0 ? ["third", "all"] : ["all"] });
    }
    const first = await linode.get("/v4/linode/instances?page_size=25");
    expect(first.body).toMatchObject({ page: 1, pages: 2, results: 30 });
    const last: number = first.body.data.at(-1).id;
    const rest = await linode.get("/v4/linode/instances?page_size=25", { id: { "+gt": last }, "+order_by": "id" });
    expect(rest.body.data.map((one: { label: string }) => one.label)).toEqual(
      [25, 26, 27, 28, 29].map((n) => `web-${n}`),
    );
    const third = await linode.get("/v4/linode/instances", { tags: "third", label: "web-27" });
    expect(third.body.data.map((one: { label: string }) => one.label)).toEqual(["web-27"]);
    expect((await linode.get("/v4/linode/instances", { status: "running" })).status).toBe(400);
    expect((await linode.get("/v4/linode/instances?page=3")).status).toBe(404);
  });

  test.each(["/v4/linode/instances", "/v4/linode/types", "/v4/regions", "/v4/profile", "/sandbox/stats", "/nowhere"])(
    "%s without a good token is 401",
    async (path) => {
      for (const authorization of ["", "Bearer wrong", "Basic dGVzdA==", TOKEN.slice(1)]) {
        const answer = await linode.call("GET", path, undefined, { authorization });
        expect(answer).toMatchObject({ status: 401, body: { errors: [{ reason: "Invalid Token" }] } });
      }
    },
  );

  test("an image's id is found with its slash bare or escaped", async () => {
    expect((await linode.get("/v4/images/linode/debian12")).body.id).toBe("linode/debian12");
    expect((await linode.get("/v4/images/private%2F1")).body.label).toBe("provost-golden-debian");
    expect((await linode.get("/v4/images/private/2")).status).toBe(404);
    expect((await linode.get("/v4/linode/types/g6-nanode-1")).body.price.monthly).toBe(5);
  });

  test("what is below /v4 is below /v4beta as well, limits and faults included", async () => {
    expect((await linode.get("/v4beta/regions?page_size=25")).body.results).toBeGreaterThan(5);
    sandbox.addFault({ kind: "maintenance", path: "/v4/regions" });
    expect((await linode.get("/v4beta/regions")).status).toBe(503);
    expect((await linode.get("/v4/regions")).headers.get("x-ratelimit-remaining")).toBe("197");
  });

  test("answers carry a request id of their own, and the rate limit's headers", async () => {
    const [one, two] = [await linode.get("/v4/profile"), await linode.get("/v4/profile")];
    expect(one.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(one.headers.get("x-request-id")).not.toBe(two.headers.get("x-request-id"));
    expect(two.headers.get("x-ratelimit-remaining")).toBe("1598");
  });

  test("the 21st create within 15 s is 429 with Retry-After and creates nothing", async () => {
    for (let n = 0; n < 20; n++) await linode.create(`web-${n}`);
    const refused = await linode.post("/v4/linode/instances", createBody("web-20"));
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("15");
    expect(sandbox.stats()).toMatchObject({ instances: 20, requests_rate_limited: 1 });
    clock.advance(15_000);
    await linode.create("web-20");
  });
});
