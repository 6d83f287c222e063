import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Sandbox, startSandbox } from "../src/index.ts";
import { CallbackReceiver } from "./callback-receiver.ts";
import { LinodeClient, TOKEN, until, userData } from "./linode-client.ts";
import { ManualClock } from "./manual-clock.ts";

let receiver: CallbackReceiver;
let sandbox: Sandbox;
let linode: LinodeClient;

beforeEach(async () => {
  receiver = await CallbackReceiver.start();
  sandbox = await startSandbox({ tokens: [TOKEN], fast: true });
  linode = new LinodeClient(sandbox.url);
});

afterEach(async () => {
  await sandbox.close();
  await receiver.close();
});

const settled = () =>
  until(
    () => sandbox.stats(),
    (stats) => stats.first_boots_pending === 0 && stats.creates_accepted > 0,
  );

describe("a first boot reports by stages (C6, C16)", () => {
  test("booting, configuring, ready, in order, with the instance's token", async () => {
    await linode.create("web-1", userData(receiver.url, "tok-1"));
    await settled();
    expect(receiver.reports).toEqual(
      ["booting", "configuring", "ready"].map((stage) => ({
        path: "/callback",
        authorization: "Bearer tok-1",
        body: { stage },
      })),
    );
    expect(sandbox.stats()).toMatchObject({ callbacks_sent: 3, callbacks_accepted: 3 });
  });

  test("directive hang: configuring with its log, and then nothing more (C7)", async () => {
    await linode.create("web-1", userData(receiver.url, "tok-1", "# sandbox: hang log=waiting for apt"));
    await settled();
    expect(receiver.reports.map(({ body }) => body)).toEqual([
      { stage: "booting" },
      { stage: "configuring", log: "waiting for apt" },
    ]);
  });

  test("nothing is reported before the provider says running", async () => {
    let statusSeen: string | undefined;
    const id = await linode.create("web-1", userData(receiver.url, "tok-1"));
    receiver.answer = () => {
      statusSeen ??= JSON.stringify(sandbox.stats().instances_by_status);
      return 200;
    };
    await settled();
    expect(statusSeen).toBe('{"running":1}');
    expect(await linode.status(id)).toBe("running");
  });

  test("a reboot and a cold boot never report again (C2)", async () => {
    const id = await linode.create("web-1", userData(receiver.url, "tok-1"));
    await settled();
    for (const signal of ["reboot", "shutdown", "boot"]) {
      expect((await linode.post(`/v4/linode/instances/${id}/${signal}`)).status).toBe(200);
      const rest = signal === "shutdown" ? "offline" : "running";
      await until(
        () => linode.status(id),
        (status) => status === rest,
      );
    }
    // A second instance's whole first boot proves that time for a report of the first one has passed.
    await linode.create("web-2", userData(receiver.url, "tok-2"));
    await until(
      () => receiver.stages("tok-2"),
      (stages) => stages.length === 3,
    );
    expect(receiver.stages("tok-1")).toEqual(["booting", "configuring", "ready"]);
  });

  test("an answer of 503 or a cut connection is tried again until accepted, in order", async () => {
    let failures = 4;
    receiver.answer = () => (failures-- > 0 ? (failures % 2 === 0 ? 503 : 0) : 200);
    await linode.create("web-1", userData(receiver.url, "tok-1"));
    await settled();
    expect(receiver.stages()).toEqual([...Array.from({ length: 5 }, () => "booting"), "configuring", "ready"]);
    expect(sandbox.stats()).toMatchObject({ callbacks_sent: 7, callbacks_accepted: 3, callbacks_retried: 4 });
  });

  test.each([401, 404, 410])("an answer of %i ends it for ever, and the console says so", async (status) => {
    receiver.answer = ({ body }) => (body.stage === "configuring" ? status : 200);
    const id = await linode.create("web-1", userData(receiver.url, "tok-1"));
    await settled();
    expect(receiver.stages()).toEqual(["booting", "configuring"]);
    const { body } = await linode.get(`/sandbox/instances/${id}/console`);
    expect(body.lines).toEqual([expect.stringContaining(`HTTP ${status}`)]);
    expect(JSON.stringify(body)).not.toContain("tok-1");
  });

  test("a shutdown midway interrupts it; the next boot starts over", async () => {
    let isDown = true;
    receiver.answer = ({ body }) => (body.stage === "configuring" && isDown ? 503 : 200);
    const id = await linode.create("web-1", userData(receiver.url, "tok-1"));
    await until(
      () => receiver.stages(),
      (stages) => stages.includes("configuring"),
    );
    await linode.post(`/v4/linode/instances/${id}/shutdown`);
    await until(
      () => linode.status(id),
      (status) => status === "offline",
    );
    isDown = false;
    const before = receiver.reports.length;
    await linode.post(`/v4/linode/instances/${id}/boot`);
    await settled();
    expect(receiver.stages().slice(before)).toEqual(["booting", "configuring", "ready"]);
  });

  test("an answer that comes when the instance is down already no longer counts", async () => {
    const held = Promise.withResolvers<number>();
    receiver.answer = ({ body }) => (body.stage === "ready" ? held.promise : 200);
    const id = await linode.create("web-1", userData(receiver.url, "tok-1"));
    await until(
      () => receiver.stages(),
      (stages) => stages.includes("ready"),
    );
    await linode.post(`/v4/linode/instances/${id}/shutdown`);
    await until(
      () => linode.status(id),
      (status) => status === "offline",
    );
    held.resolve(200);
    await until(
      () => sandbox.stats(),
      (stats) => stats.callbacks_accepted === 3,
    );
    expect(sandbox.stats().first_boots_pending).toBe(1);
    await linode.post(`/v4/linode/instances/${id}/boot`);
    await settled();
    expect(receiver.stages().slice(3)).toEqual(["booting", "configuring", "ready"]);
  });

  test("a deleted instance falls silent", async () => {
    receiver.answer = () => 503;
    const id = await linode.create("web-1", userData(receiver.url, "tok-1"));
    await until(
      () => receiver.reports.length,
      (count) => count > 0,
    );
    await linode.call("DELETE", `/v4/linode/instances/${id}`);
    await until(
      () => linode.status(id),
      (status) => status === undefined,
    );
    const sent = sandbox.stats().callbacks_sent;
    receiver.answer = () => 200;
    await linode.create("web-2", userData(receiver.url, "tok-2"));
    await settled();
    expect(sandbox.stats().callbacks_sent).toBe(sent + 3);
  });

  test("an address that is neither http nor https is never called; the console says which", async () => {
    const id = await linode.create("web-1", userData("file:///etc/passwd", "tok-1"));
    await until(
      () => linode.status(id),
      (status) => status === "running",
    );
    expect((await linode.get(`/sandbox/instances/${id}/console`)).body.lines).toEqual([
      expect.stringContaining("file:///etc/passwd"),
    ]);
    expect(sandbox.stats()).toMatchObject({ callbacks_sent: 0, first_boots_pending: 0 });
  });
});

describe("directives (C7, C16)", () => {
  test("fail: reports failed with step, exit code and log in place of ready", async () => {
    const id = await linode.create("web-1", userData(receiver.url, "t", "# sandbox: fail exit=3 log=no space left"));
    await settled();
    expect(receiver.reports.map((report) => report.body)).toEqual([
      { stage: "booting" },
      { stage: "configuring" },
      { stage: "failed", step: "script", exit_code: 3, log: "no space left" },
    ]);
    expect(await linode.status(id)).toBe("running");
  });

  test("silent: runs and never calls", async () => {
    const id = await linode.create("web-1", userData(receiver.url, "t", "# sandbox: silent"));
    await until(
      () => linode.status(id),
      (status) => status === "running",
    );
    await linode.create("web-2", userData(receiver.url, "other"));
    await until(
      () => receiver.stages("other"),
      (stages) => stages.length === 3,
    );
    expect(receiver.stages("t")).toEqual([]);
  });

  test("stuck: stays booting for ever, refuses signals as busy, can be deleted", async () => {
    await sandbox.close();
    const clock = new ManualClock();
    sandbox = await startSandbox({ tokens: [TOKEN], clock, latency: "none" });
    linode = new LinodeClient(sandbox.url);
    const id = await linode.create("web-1", userData(receiver.url, "t", "# sandbox: stuck"));
    clock.advance(86_400_000);
    expect(await linode.status(id)).toBe("booting");
    expect((await linode.post(`/v4/linode/instances/${id}/reboot`)).body.errors[0].reason).toBe("Linode busy.");
    await linode.call("DELETE", `/v4/linode/instances/${id}`);
    clock.advance(10_000);
    expect(await linode.status(id)).toBeUndefined();
    expect(receiver.reports).toEqual([]);
  });
});

describe("retries (C6, C16)", () => {
  test("wait 1 s doubling to 15 s and end after ten minutes", async () => {
    await sandbox.close();
    const clock = new ManualClock();
    sandbox = await startSandbox({ tokens: [TOKEN], clock, latency: "none", bootMs: 1_000 });
    linode = new LinodeClient(sandbox.url);
    receiver.answer = () => 500;
    const id = await linode.create("web-1", userData(receiver.url, "t"));
    clock.advance(700);
    const waits: number[] = [];
    for (let attempts = 1; sandbox.stats().callbacks_given_up === 0; attempts++) {
      const { callbacks_given_up } = await until(
        () => sandbox.stats(),
        (stats) => stats.callbacks_retried === attempts,
      );
      if (callbacks_given_up > 0) break;
      // Moves on second by second until the next attempt is made.
      for (let waited = 1; ; waited++) {
        clock.advance(1_000);
        if (sandbox.stats().callbacks_sent > attempts) {
          waits.push(waited);
          break;
        }
        expect(waited).toBeLessThan(20);
      }
    }
    expect(waits.slice(0, 7)).toEqual([1, 2, 4, 8, 15, 15, 15]);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBe(600);
    expect(sandbox.stats()).toMatchObject({ callbacks_given_up: 1, first_boots_pending: 0 });
    expect((await linode.get(`/sandbox/instances/${id}/console`)).body.lines.at(-1)).toContain("given up");
  });
});

describe("a thousand at once (C16)", () => {
  test("each is created once and reports its three stages once, over few connections", async () => {
    await sandbox.close();
    sandbox = await startSandbox({ tokens: [TOKEN], fast: true, rateLimits: false, callbackConcurrency: 32 });
    linode = new LinodeClient(sandbox.url);
    await Promise.all(
      Array.from({ length: 1_000 }, (_, n) => linode.create(`web-${n}`, userData(receiver.url, `tok-${n}`))),
    );
    await settled();
    expect(sandbox.stats()).toMatchObject({
      instances_by_status: { running: 1_000 },
      creates_accepted: 1_000,
      labels_created_again: [],
      callbacks_sent: 3_000,
      callbacks_accepted: 3_000,
    });
    const byToken = Map.groupBy(receiver.reports, (report) => report.authorization);
    expect(byToken.size).toBe(1_000);
    for (const reports of byToken.values()) {
      expect(reports.map((report) => report.body.stage)).toEqual(["booting", "configuring", "ready"]);
    }
    expect(receiver.busiest).toBeLessThanOrEqual(32);
    expect(receiver.connections).toBeLessThanOrEqual(64);
  });
});
