import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../src/index.ts";
import { createBody, LinodeClient, TOKEN, until } from "./linode-client.ts";
import { ManualClock } from "./manual-clock.ts";

const INSTANCES = "/v4/linode/instances";
let sandbox: Sandbox;
let linode: LinodeClient;

beforeEach(async () => {
  sandbox = await startSandbox({ tokens: [TOKEN], fast: true });
  linode = new LinodeClient(sandbox.url);
});

afterEach(() => sandbox.close());

describe("faults over HTTP (C4, C16)", () => {
  test("lost_answer: the connection is cut, the instance exists, the next create is told so", async () => {
    const set = await linode.post("/sandbox/faults", { kind: "lost_answer", method: "POST", path: INSTANCES });
    expect(set).toMatchObject({ status: 201, body: { kind: "lost_answer", times: 1, applied: 0 } });
    await expect(linode.post(INSTANCES, createBody("web-1"))).rejects.toThrow("fetch failed");
    const found = await linode.get(INSTANCES, { label: "web-1" });
    expect(found.body.results).toBe(1);
    const again = await linode.post(INSTANCES, createBody("web-1"));
    expect(again.body.errors[0].field).toBe("label");
    expect(sandbox.stats()).toMatchObject({ creates_accepted: 1, faults_applied: 1 });
  });

  test("error_after: 5xx, and the instance exists", async () => {
    sandbox.addFault({ kind: "error_after", method: "POST", path: INSTANCES, status: 502 });
    expect((await linode.post(INSTANCES, createBody("web-1"))).status).toBe(502);
    expect(sandbox.stats()).toMatchObject({ instances: 1, creates_accepted: 1 });
  });

  test("error_before: 5xx, and nothing happened", async () => {
    sandbox.addFault({ kind: "error_before", method: "POST", path: INSTANCES, times: 2 });
    const answer = await linode.post(INSTANCES, createBody("web-1"));
    expect(answer).toMatchObject({ status: 500, body: { errors: [{ reason: "Internal Server Error" }] } });
    expect((await linode.post(INSTANCES, createBody("web-1"))).status).toBe(500);
    expect(sandbox.stats()).toMatchObject({ instances: 0, creates_accepted: 0 });
    await linode.create("web-1");
  });

  test("rate_limit: 429 with Retry-After for the next n, and nothing happened", async () => {
    sandbox.addFault({ kind: "rate_limit", method: "POST", path: INSTANCES, times: 2, retry_after: 7 });
    for (let n = 0; n < 2; n++) {
      const answer = await linode.post(INSTANCES, createBody("web-1"));
      expect(answer.status).toBe(429);
      expect(answer.headers.get("retry-after")).toBe("7");
    }
    await linode.create("web-1");
    expect(sandbox.stats().creates_accepted).toBe(1);
  });

  test("faults are shown, cleared, checked, and closed to strangers", async () => {
    await linode.post("/sandbox/faults", { kind: "rate_limit", path: "/v4/**", times: 100 });
    expect((await linode.get("/v4/profile")).status).toBe(429);
    const shown = await linode.get("/sandbox/faults");
    expect(shown.body.faults).toEqual([expect.objectContaining({ path: "/v4/**", applied: 1, method: null })]);
    await linode.call("DELETE", "/sandbox/faults");
    expect((await linode.get("/v4/profile")).status).toBe(200);
    const refused = await linode.post("/sandbox/faults", { kind: "meteor", path: "/v4" });
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ reason: expect.stringContaining("meteor") }] } });
    const stranger = await linode.call("POST", "/sandbox/faults", {}, { authorization: "Bearer wrong" });
    expect(stranger.status).toBe(401);
  });
});

describe("latency (C4, C16)", () => {
  test("a caller that hangs up midway changes nothing about the effect", async () => {
    await sandbox.close();
    const clock = new ManualClock();
    sandbox = await startSandbox({ tokens: [TOKEN], clock, bootMs: 1_000, latency: { create: [1_000, 1_000] } });
    linode = new LinodeClient(sandbox.url);
    const hangUp = new AbortController();
    const create = fetch(`${sandbox.url}${INSTANCES}`, {
      method: "POST",
      signal: hangUp.signal,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(createBody("web-1")),
    });
    await until(
      () => clock.armed,
      (armed) => armed === 1,
    );
    hangUp.abort();
    await expect(create).rejects.toThrow("aborted");
    clock.advance(599);
    expect(sandbox.stats().creates_accepted).toBe(0);
    clock.advance(1);
    await until(
      () => sandbox.stats().creates_accepted,
      (count) => count === 1,
    );
  });

  test("close ends calls that wait", async () => {
    await sandbox.close();
    const clock = new ManualClock();
    sandbox = await startSandbox({ tokens: [TOKEN], clock });
    const create = new LinodeClient(sandbox.url).post(INSTANCES, createBody("web-1"));
    const refused = expect(create).rejects.toThrow("fetch failed");
    await until(
      () => clock.armed,
      (armed) => armed === 1,
    );
    await sandbox.close();
    await refused;
    expect(sandbox.stats().creates_accepted).toBe(0);
  });
});

describe("stats (C16)", () => {
  test("one label can be asked for, and the answer is bounded", async () => {
    await linode.create("web-1");
    expect((await linode.get("/sandbox/stats?label=web-1")).body.creates_by_label).toEqual({ "web-1": 1 });
    expect((await linode.get("/sandbox/stats?label=other")).body.creates_by_label).toEqual({ other: 0 });
    expect((await linode.get("/sandbox/stats")).body.creates_by_label_truncated).toBe(false);
  });
});
