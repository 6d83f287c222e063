import {
  deliverySchema,
  instanceSchema,
  failureSchema,
  webhookEvents,
  type Delivery,
  type WebhookRequest,
} from "@provost/contract";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isSigned, Receiver } from "./receiver.ts";
import { stores } from "./stores.ts";
import { World, type WorldOptions } from "./world.ts";

const silent = "#!/bin/sh\n# sandbox: silent\n";

describe.each(stores)("webhooks on $name", (store) => {
  let world: World;
  let receiver: Receiver;

  async function start(options: Omit<WorldOptions, "store"> = {}): Promise<void> {
    world = await World.start({
      store,
      webhooksTo: ["127.0.0.1"],
      ...options,
      timings: { webhookRetriesMs: [20, 20], ...options.timings },
    });
  }

  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(async () => {
    await world.stop();
    await receiver.stop();
  });

  async function added(more: Partial<WebhookRequest> = {}): Promise<{ id: string; secret: string }> {
    return world.control.webhooks.add({ name: "pager", url: receiver.url, ...more });
  }

  async function deliveries(): Promise<Delivery[]> {
    return (await world.control.webhooks.deliveries("pager", { limit: 500 })).items;
  }

  async function ended(id: string, status: Delivery["status"], attempts?: number): Promise<Delivery> {
    return vi.waitFor(
      async () => {
        const delivery = await world.control.webhooks.delivery("pager", id);
        expect(delivery).toMatchObject({ status, ...(attempts === undefined ? {} : { attempts }) });
        return delivery;
      },
      { timeout: 60_000, interval: 10 },
    );
  }

  test("C7: a provisioned instance is told, signed as Standard Webhooks has it, under the delivery's id", async () => {
    await start();
    const { secret } = await added();
    const before = Date.now();
    await world.deploy("web-1");
    const ready = await world.until("web-1", "provisioned");
    const told = await receiver.has("instance.provisioned");
    expect(isSigned(told, secret)).toBe(true);
    expect(isSigned({ ...told, text: told.text.replace("web-1", "web-2") }, secret)).toBe(false);
    expect(Math.abs(Number(told.headers["webhook-timestamp"]) * 1_000 - before)).toBeLessThan(60_000);
    expect(told.headers["content-type"]).toBe("application/json");
    expect(told.body.data).toMatchObject({ deployment: world.control.deploymentId, instance: { id: ready.id } });
    expect(instanceSchema.parse(told.body.data["instance"])).toMatchObject({ name: "web-1", status: "provisioned" });
    const [delivery] = await deliveries();
    expect(delivery).toMatchObject({
      id: told.headers["webhook-id"],
      event: "instance.provisioned",
      instanceId: ready.id,
    });
    await ended(delivery!.id, "delivered", 1);
    // Only what it listens to.
    expect(receiver.received).toHaveLength(1);
  });

  test("C7: a failed script is told with step, code, exit code, the last log lines and what to do", async () => {
    await start();
    await added({ events: ["instance.failed"] });
    await world.deploy("web-1", { script: "#!/bin/sh\n# sandbox: fail exit=3 log=no such package\n" });
    const told = await receiver.has("instance.failed");
    const failure = failureSchema.parse(told.body.data["failure"]);
    expect(failure).toMatchObject({ code: "script_failed", step: "script", exitCode: 3 });
    expect(failure.log).toContain("no such package");
    expect(failure.whatToDo.length).toBeGreaterThan(20);
    expect(told.body.data["instance"]).toMatchObject({ name: "web-1", status: "failed" });
  });

  test("C7: a provider's refusal is told with its own words and its request id", async () => {
    await start({ sandbox: { instanceLimit: 0 } });
    await added({ events: ["instance.failed"] });
    await world.deploy("web-1");
    const failed = await world.until("web-1", "failed");
    const told = await receiver.has("instance.failed");
    expect(told.body.data["failure"]).toEqual(failed.failure);
    expect(told.body.data["failure"]).toMatchObject({ code: "quota_exceeded", step: "create" });
    expect(failed.failure?.providerMessage).toBeTruthy();
    expect(failed.failure?.providerRequestId).toBeTruthy();
  });

  test("C7: an instance that went silent is told with the last lines that it sent before", async () => {
    await start({ timings: { lookEveryMs: 20, looksMax: 5, watchdogEveryMs: 60_000 } });
    await added({ events: ["instance.failed"] });
    const { id } = await world.deploy("web-1", { script: silent });
    await world.event("active", id);
    await world.report(id, { stage: "configuring", log: "fetching packages" });
    const told = await receiver.has("instance.failed");
    expect(told.body.data["failure"]).toMatchObject({ code: "callback_missing", log: "fetching packages" });
  });

  test("C7: none is lost and none tells of what was rolled back: one delivery for each event that there is", async () => {
    await start();
    await added({ events: [...webhookEvents] });
    // Nine of these are rolled back after their first writes.
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => world.deploy("race-1")));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const { id } = await world.until("race-1", "provisioned");
    await world.control.instances.destroy(id);
    await world.until(id, "destroyed");
    const events = await world.control.instances.events(id, { limit: 500 });
    await vi.waitFor(() => expect(receiver.received).toHaveLength(events.length), { timeout: 60_000 });
    const made = (await deliveries()).map(({ event }) => event).toSorted();
    expect(made).toEqual(events.map(({ kind }) => `instance.${kind}`).toSorted());
    expect(receiver.received.map(({ body }) => body.type).toSorted()).toEqual(made);
  });

  test("C7: what is not taken is sent again under the same id, signed anew, until it is", async () => {
    await start();
    const { secret } = await added();
    let left = 2;
    receiver.answer = (_received, response) => response.writeHead((left -= 1) >= 0 ? 503 : 200).end("busy");
    await world.deploy("web-1");
    await receiver.has("instance.provisioned", 3);
    const [delivery] = await deliveries();
    expect(await ended(delivery!.id, "delivered", 3)).toMatchObject({ answer: { status: 200, text: "busy" } });
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"]))).toEqual(new Set([delivery!.id]));
    expect(receiver.received.every((each) => isSigned(each, secret))).toBe(true);
  });

  test("C7: it is given up after its attempts, listed so with the last answer, and sent again by hand", async () => {
    await start();
    await added();
    receiver.answer = (_received, response) => response.writeHead(500).end("no disk");
    await world.deploy("web-1");
    const first = await receiver.has("instance.provisioned");
    const id = String(first.headers["webhook-id"]);
    expect(await ended(id, "failed", 3)).toMatchObject({ answer: { status: 500, text: "no disk" } });
    const failed = await world.control.webhooks.deliveries("pager", { status: "failed", limit: 10 });
    expect(failed.items.map((each) => each.id)).toEqual([id]);
    receiver.answer = (_received, response) => response.writeHead(204).end();
    expect(await world.control.webhooks.redeliver("pager", id)).toMatchObject({ id });
    await ended(id, "delivered", 4);
    expect((await receiver.has("instance.provisioned", 4)).text).toBe(first.text);
    // Also one that was taken.
    await world.control.webhooks.redeliver("pager", id);
    await ended(id, "delivered", 5);
  });

  test("C7: one that waits for its next attempt is sent at once when asked for", async () => {
    await start({ timings: { webhookRetriesMs: [3_600_000] } });
    await added();
    receiver.answer = (_received, response) => response.writeHead(500).end();
    await world.deploy("web-1");
    const id = String((await receiver.has("instance.provisioned")).headers["webhook-id"]);
    expect((await ended(id, "pending", 1)).nextAttemptAt).toBeDefined();
    receiver.answer = (_received, response) => response.writeHead(204).end();
    await world.control.webhooks.redeliver("pager", id);
    await ended(id, "delivered", 2);
    // And one whose job was lost.
    await world.loseJobs();
    await world.sql(`update control_webhook_delivery set status = 'pending' where id = '${id}'`);
    await world.control.webhooks.redeliver("pager", id);
    await ended(id, "delivered", 3);
  });

  test("C7: one whose job is lost is sent without anybody asking, once; one that waits is left alone", async () => {
    await start({ timings: { webhookRetriesMs: [3_600_000], orphanGraceMs: 0, webhookTimeoutMs: 1_000 } });
    await added();
    receiver.answer = (_received, response) => response.writeHead(500).end();
    await world.deploy("web-1");
    const lost = String((await receiver.has("instance.provisioned")).headers["webhook-id"]);
    await ended(lost, "pending", 1);
    await world.loseJobs();
    await world.deploy("web-2");
    const waits = String((await receiver.has("instance.provisioned", 2)).headers["webhook-id"]);
    await ended(waits, "pending", 1);
    receiver.answer = (_received, response) => response.writeHead(204).end();
    // The one that has its job comes first in every pass.
    await world.sql(`update control_webhook_delivery set next_attempt_at = 1 where id = '${waits}'`);
    await world.sql(`update control_webhook_delivery set next_attempt_at = 2 where id = '${lost}'`);
    await ended(lost, "delivered", 2);
    expect(receiver.received.map(({ headers }) => headers["webhook-id"])).toEqual([lost, waits, lost]);
  });

  test("C7: a dead receiver holds up neither deploys nor another receiver", async () => {
    await start({ timings: { webhookTimeoutMs: 20_000 } });
    const dead = await Receiver.start();
    dead.answer = () => {};
    await world.control.webhooks.add({ name: "dead", url: dead.url, events: [...webhookEvents] });
    await added();
    const names = Array.from({ length: 5 }, (_, index) => `web-${index}`);
    await Promise.all(names.map((name) => world.deploy(name)));
    await receiver.has("instance.provisioned", names.length);
    // Four at once to one receiver.
    expect(dead.received.length).toBeLessThanOrEqual(4);
    await dead.stop();
  });

  test("C7: a test is one attempt, and says what came of it", async () => {
    await start();
    const { secret } = await added({ events: ["instance.failed"] });
    const good = await world.control.webhooks.test("pager");
    expect(deliverySchema.parse(good)).toMatchObject({ event: "webhook.test" });
    await ended(good.id, "delivered", 1);
    expect(isSigned(await receiver.has("webhook.test"), secret)).toBe(true);
    receiver.answer = (_received, response) => response.writeHead(404).end("no such hook");
    const bad = await world.control.webhooks.test("pager");
    expect(await ended(bad.id, "failed", 1)).toMatchObject({ answer: { status: 404, text: "no such hook" } });
  });

  test("a webhook that is removed is told nothing more; what waited is given up", async () => {
    await start({ timings: { webhookRetriesMs: [3_600_000] } });
    const { id: webhookId } = await added();
    receiver.answer = (_received, response) => response.writeHead(500).end();
    await world.deploy("web-1");
    const id = String((await receiver.has("instance.provisioned")).headers["webhook-id"]);
    await ended(id, "pending", 1);
    await world.control.webhooks.remove(webhookId);
    expect(await world.sql("select status, answer from control_webhook_delivery")).toEqual([
      { status: "failed", answer: "Its webhook was removed." },
    ]);
    await world.deploy("web-2");
    await world.until("web-2", "provisioned");
    expect(receiver.received).toHaveLength(1);
    await expect(world.control.webhooks.get("pager")).rejects.toMatchObject({ code: "webhook_not_found" });
    expect((await world.control.webhooks.list()).map(({ name }) => name)).toEqual([]);
  });

  test("C15: its secret is sealed, its address stays out of the audit log, and private addresses are refused unless allowed", async () => {
    await start();
    const { secret } = await added({ url: `${receiver.url}/path-is-a-secret` });
    const stored = JSON.stringify(await world.sql("select * from control_webhook"));
    expect(stored).not.toContain(secret);
    const { items } = await world.control.audit.list({ action: "webhook.add", limit: 10 });
    expect(items).toMatchObject([{ target: { name: "pager" }, after: { host: `127.0.0.1:${receiver.port}` } }]);
    expect(JSON.stringify(items)).not.toContain("path-is-a-secret");
    const wrong: [Partial<WebhookRequest>, string][] = [
      [{ url: "https://127.0.0.2/" }, "webhook_url_refused"],
      [{ url: "https://[::1]/" }, "webhook_url_refused"],
      [{ url: "https://169.254.169.254/latest" }, "webhook_url_refused"],
      [{ url: "http://1.1.1.1/" }, "webhook_url_refused"],
      [{ url: "https://user:word@1.1.1.1/" }, "webhook_url_refused"],
      [{ url: "ftp://1.1.1.1/" }, "webhook_url_refused"],
      [{ url: "hooks" }, "webhook_url_refused"],
      [{ name: "Bad Name" }, "invalid_name"],
      [{ name: "pager" }, "webhook_exists"],
      [{ events: [] }, "invalid_request"],
    ];
    for (const [change, code] of wrong) {
      const adding = world.control.webhooks.add({ name: "other", url: receiver.url, ...change });
      await expect(adding, JSON.stringify(change)).rejects.toMatchObject({ code });
    }
    await expect(world.control.webhooks.delivery("pager", "dl_nothing")).rejects.toMatchObject({
      code: "delivery_not_found",
    });
    expect(await world.control.webhooks.list()).toHaveLength(1);
  });
});
