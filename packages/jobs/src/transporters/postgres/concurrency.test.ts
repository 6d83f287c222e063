import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import type { Claimed, ClaimRequest, NewFlow, NewJob, Settlement } from "../transporter.ts";
import { fromPgClient, type PostgresTransporter } from "./index.ts";

function job(differs: Partial<NewJob> = {}): NewJob {
  const usual = { name: "work", queue: "q", lane: "short", input: "{}", priority: 100, attempts: 3 } as const;
  return { ...usual, timeoutMs: 60_000, delayMs: 0, ...differs };
}

function request(limit: number): ClaimRequest {
  return { queue: "q", lane: "short", names: ["work"], limit, leaseMs: 60_000, started: true };
}

function processed({ id, fence, version }: Claimed): Settlement {
  return { id, fence, version, outcome: { kind: "processed" } };
}

function released({ id, fence, version, priority, attemptsUsed }: Claimed, wakeKey: string): Settlement {
  const outcome = { kind: "retry", cause: "released", delayMs: 3_600_000, crashes: 0, errors: 1, wakeKey } as const;
  return { id, fence, version, outcome: { ...outcome, priority, attemptsUsed: attemptsUsed + 1 } };
}

/** `size` siblings, then one more. */
function fan(size: number): NewFlow {
  const members = Array.from({ length: size }, () => ({ ...job(), stage: 0 }));
  return {
    jobs: [...members, { ...job(), stage: 1 }],
    stages: [{ policy: "all-processed" }, { policy: "all-processed" }],
  };
}

/** One job, then a stage of `size`. */
function row(size: number): NewFlow {
  const members = Array.from({ length: size }, () => ({ ...job(), stage: 1 }));
  return {
    jobs: [{ ...job(), stage: 0 }, ...members],
    stages: [{ policy: "all-processed" }, { policy: "all-processed" }],
  };
}

describe.skipIf(skipReason !== undefined)("PostgreSQL: many connections at once", () => {
  const test = new TestServer();
  const opened: { stop(): Promise<void> }[] = [];
  let schema = "";
  let store: PostgresTransporter;

  async function open(poolMax = 8): Promise<PostgresTransporter> {
    const transporter = test.transporter(schema, { poolMax });
    await transporter.start();
    opened.push(transporter);
    return transporter;
  }

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: test.server.url });
    await client.connect();
    opened.push({ stop: () => client.end() });
    return client;
  }

  async function claimOne(): Promise<Claimed> {
    const [claimed] = await store.claim([request(1)], "manager");
    return claimed ?? expect.unreachable("nothing to claim");
  }

  beforeEach(async () => {
    schema = test.freshSchema();
    store = await open();
  });

  afterEach(async () => {
    for (const one of opened.splice(0).toReversed()) await one.stop();
  });

  it("L3 twenty Transporters claim 2,000 jobs: each job has one claimant", async () => {
    await store.enqueue(Array.from({ length: 2_000 }, () => ({ job: job() })));
    const others = await Promise.all(Array.from({ length: 20 }, () => open(2)));
    const claimed = await Promise.all(
      others.map(async (other, index) => {
        const mine: string[] = [];
        for (;;) {
          const got = await other.claim([request(7)], `manager-${index}`);
          if (got.length === 0) return mine;
          mine.push(...got.map(({ id }) => id));
        }
      }),
    );
    expect(claimed.flat()).toHaveLength(2_000);
    expect(new Set(claimed.flat()).size).toBe(2_000);
  });

  it("L6 siblings settled one by one at the same moment: the next stage opens exactly once, nobody deadlocks", async () => {
    const flows = await store.enqueue(Array.from({ length: 5 }, () => ({ flow: fan(24) })));
    const claimed = await store.claim([request(200)], "manager");
    expect(claimed).toHaveLength(120);
    const settlers = await Promise.all(Array.from({ length: 6 }, () => open(4)));
    const results = await Promise.all(
      claimed.map(async (one, index) => await settlers[index % 6]?.settle([processed(one)])),
    );
    expect(results.flat().every((result) => result?.state === "applied")).toBe(true);
    const next = await store.claim([request(200)], "manager");
    expect(next).toHaveLength(flows.length);
    expect(new Set(next.map(({ id }) => id))).toEqual(new Set(flows.map(({ ids }) => ids.at(-1))));
  });

  it("L6 batches that cross the same flows in opposite orders do not deadlock", async () => {
    const flows = await store.enqueue(Array.from({ length: 10 }, () => ({ flow: fan(10) })));
    const claimed = await store.claim([request(200)], "manager");
    const settlers = await Promise.all(Array.from({ length: 4 }, () => open(4)));
    const byMember = Array.from({ length: 10 }, (_, nth) => claimed.filter((_one, index) => index % 10 === nth));
    await Promise.all(
      byMember.map(async (batch, index) => {
        const ordered = index % 2 === 0 ? batch : batch.toReversed();
        await settlers[index % 4]?.settle(ordered.map((one) => processed(one)));
      }),
    );
    expect(await store.claim([request(200)], "manager")).toHaveLength(10);
    expect(flows).toHaveLength(10);
  });

  it("L6 fail-fast meets claims of its siblings: every member ends, the flow fails once", async () => {
    const flow = fan(30);
    flow.stages = [{ policy: "fail-fast" }, { policy: "all-processed" }];
    flow.onFailed = job({ name: "on-failed" });
    const [added] = await store.enqueue([{ flow }]);
    const failure = { code: "handler_failed", message: "it broke" };
    const workers = await Promise.all(Array.from({ length: 5 }, () => open(2)));
    await Promise.all(
      workers.map(async (worker, index) => {
        for (;;) {
          const claimed = await worker.claim([request(2)], `manager-${index}`);
          if (claimed.length === 0) return;
          await worker.settle(
            claimed.map(({ id, fence, version }) => {
              const outcome = {
                kind: "failed",
                cause: "error",
                attemptsUsed: 1,
                crashes: 0,
                errors: 1,
                failure,
              } as const;
              return { id, fence, version, outcome };
            }),
          );
        }
      }),
    );
    expect((await store.flow(added?.flowId ?? ""))?.status).toBe("failed");
    const jobs = await store.get(added?.ids ?? []);
    expect(jobs.filter(({ finishedAt }) => finishedAt === undefined)).toEqual([]);
    expect(await store.claim([{ ...request(9), names: ["on-failed"] }], "manager")).toHaveLength(1);
  });

  it("L6 a stage fails while people cancel jobs behind it: the flow ends once, nobody deadlocks", async () => {
    const flows = await store.enqueue(Array.from({ length: 30 }, () => ({ flow: row(20) })));
    const claimed = await store.claim([request(30)], "manager");
    const other = await open();
    const failure = { code: "handler_failed", message: "it broke" };
    const outcome = { kind: "failed", cause: "error", attemptsUsed: 1, crashes: 0, errors: 1, failure } as const;
    await Promise.all(
      claimed.flatMap(({ id, fence, version }, index) => [
        store.settle([{ id, fence, version, outcome }]),
        ...[19, 10, 2].map((nth) =>
          other.amend([flows[index]?.ids[nth] ?? ""], { kind: "cancel", reason: "not needed" }),
        ),
      ]),
    );
    for (const { flowId = "", ids } of flows) {
      expect(await store.flow(flowId)).toMatchObject({ status: "failed", failedJobId: ids[0] });
      expect((await store.get(ids)).filter(({ finishedAt }) => finishedAt === undefined)).toEqual([]);
    }
  });

  it("L6 a stage fails while a transaction cancels jobs behind it, one after the other: the settlement waits for it, no deadlock", async () => {
    const [added] = await store.enqueue([{ flow: row(2) }]);
    const [first = "", early = "", late = ""] = added?.ids ?? [];
    const { id, fence, version } = await claimOne();
    const client = await connect();
    const tx = fromPgClient(client);
    await client.query("BEGIN");
    await store.amend([late], { kind: "cancel", reason: "not needed" }, { tx });
    const failure = { code: "handler_failed", message: "it broke" };
    const outcome = { kind: "failed", cause: "error", attemptsUsed: 1, crashes: 0, errors: 1, failure } as const;
    const settling = store.settle([{ id, fence, version, outcome }]);
    await untilSomebodyWaits(client);
    await store.amend([early], { kind: "cancel", reason: "not needed" }, { tx });
    await client.query("COMMIT");
    expect(await settling).toEqual([{ state: "applied" }]);
    expect((await store.get([first, early, late])).map(({ status }) => status)).toEqual([
      "failed",
      "cancelled",
      "cancelled",
    ]);
    expect(await store.flow(added?.flowId ?? "")).toMatchObject({ status: "failed", failedJobId: first });
  });

  it("L17 the same keys enqueued from many connections in any order: one holder each, nobody deadlocks", async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    const others = await Promise.all(Array.from({ length: 6 }, () => open(2)));
    const results = await Promise.all(
      others.map((other, index) =>
        other.enqueue((index % 2 === 0 ? keys : keys.toReversed()).map((uniqueKey) => ({ job: job({ uniqueKey }) }))),
      ),
    );
    expect(results.flat().filter(({ state }) => state === "added")).toHaveLength(20);
    expect(new Set(results.flat().flatMap(({ ids }) => ids)).size).toBe(20);
  });

  it("L7 L9 an open transaction with a wake in it holds up neither renewal nor settlement of the running job", async () => {
    await store.enqueue([{ job: job({ wakeKey: "k" }) }]);
    const claimed = await claimOne();
    const client = await connect();
    await client.query("BEGIN");
    expect(await store.wake(["k"], { tx: fromPgClient(client) })).toBe(1);
    const { id, fence } = claimed;
    expect(await store.renew([{ id, fence, leaseMs: 60_000 }])).toEqual(["renewed"]);
    expect(await store.settle([processed(claimed)])).toEqual([{ state: "applied" }]);
    await client.query("COMMIT");
  });

  it("L7 a release waits for the open wake of its key, on another connection, and is then ready at once", async () => {
    await store.enqueue([{ job: job({ wakeKey: "k" }) }]);
    const claimed = await claimOne();
    const client = await connect();
    await client.query("BEGIN");
    await store.wake(["k"], { tx: fromPgClient(client) });
    const settling = store.settle([released(claimed, "k")]);
    await untilSomebodyWaits(client);
    await client.query("COMMIT");
    expect(await settling).toEqual([{ state: "applied" }]);
    expect((await store.get([claimed.id]))[0]?.status).toBe("queued");
  });

  it("L7 a release passes a wake of its key that rolls back, and waits its delay", async () => {
    await store.enqueue([{ job: job({ wakeKey: "k" }) }]);
    const claimed = await claimOne();
    const client = await connect();
    await client.query("BEGIN");
    await store.wake(["k"], { tx: fromPgClient(client) });
    const settling = store.settle([released(claimed, "k")]);
    await untilSomebodyWaits(client);
    await client.query("ROLLBACK");
    await settling;
    expect((await store.get([claimed.id]))[0]?.status).toBe("delayed");
  });

  it("L7 a transaction that wakes keys in an order of its own cannot deadlock with a batch of releases", async () => {
    const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
    await store.enqueue(keys.map((wakeKey) => ({ job: job({ wakeKey }) })));
    const claimed = await store.claim([request(40)], "manager");
    const client = await connect();
    await client.query("BEGIN");
    const tx = fromPgClient(client);
    const last = keys.pop() ?? "";
    await store.wake([last], { tx });
    const settling = store.settle(claimed.map((one) => released(one, one.wakeKey ?? "")));
    await untilSomebodyWaits(client);
    for (const key of keys.toReversed()) await store.wake([key], { tx });
    await client.query("COMMIT");
    expect((await settling).every(({ state }) => state === "applied")).toBe(true);
    const jobs = await store.get(claimed.map(({ id }) => id));
    expect(jobs.map(({ status }) => status)).toEqual(claimed.map(() => "queued"));
  });

  it("L11 an enqueue joins the caller's own pg transaction: rung at its commit, gone with its rollback", async () => {
    const other = await open();
    const rung: string[][] = [];
    other.onReady((queues) => rung.push(queues));
    const client = await connect();
    await client.query("BEGIN");
    await store.enqueue([{ job: job({ name: "lost" }) }], { tx: fromPgClient(client) });
    await client.query("ROLLBACK");
    await client.query("BEGIN");
    await store.enqueue([{ job: job({ name: "kept" }) }], { tx: fromPgClient(client) });
    expect(await store.list({ limit: 10 })).toEqual([]);
    await client.query("COMMIT");
    expect((await store.list({ limit: 10 })).map(({ name }) => name)).toEqual(["kept"]);
    await vi.waitUntil(async () => rung.length > 0 || (await store.enqueue([{ job: job() }]), false), {
      timeout: 20_000,
    });
    expect(rung[0]).toEqual(["q"]);
  });

  it("L11 a connection without a transaction is refused, not autocommitted", async () => {
    const client = await connect();
    const refused = store.enqueue([{ job: job() }], { tx: fromPgClient(client) });
    await expect(refused).rejects.toMatchObject({ code: "transaction_expired" });
    expect(await store.list({ limit: 10 })).toEqual([]);
  });

  it("L11 a failed statement that was passed over is told at the commit, which the server turns into a rollback", async () => {
    const act = store.sql.transaction(async (tx) => {
      await store.enqueue([{ job: job() }], { tx });
      await tx.query("SELECT 1/0").catch(() => undefined);
    });
    await expect(act).rejects.toMatchObject({ code: "transaction_expired" });
    expect(await store.list({ limit: 10 })).toEqual([]);
  });

  it("the notifier: 300 single enqueues are told to other processes in far fewer hints", async () => {
    const client = await connect();
    const heard: string[] = [];
    client.on("notification", ({ payload }) => heard.push(payload ?? ""));
    await client.query(`LISTEN "${schema}"`);
    await Promise.all(Array.from({ length: 300 }, () => store.enqueue([{ job: job() }])));
    await vi.waitUntil(async () => (await client.query("SELECT 1"), heard.length > 0), { timeout: 20_000 });
    await store.stop();
    await client.query("SELECT 1");
    expect(heard.length).toBeLessThan(100);
    expect(heard.every((payload) => payload.endsWith(',"q"]'))).toBe(true);
  });

  it("eight Transporters start at once on an empty schema: it is made once; two schemas do not see each other", async () => {
    schema = test.freshSchema();
    await Promise.all(Array.from({ length: 8 }, () => open(1)));
    const other = await open();
    await other.enqueue([{ job: job() }]);
    expect(await store.list({ limit: 10 })).toEqual([]);
    expect(await other.list({ limit: 10 })).toHaveLength(1);
    // One transaction, one instant: whoever was first has made all of it.
    const { rows } = await other.sql.query(`SELECT count(DISTINCT applied_at)::int AS n FROM ${schema}.migration`);
    expect(rows).toEqual([{ n: 1 }]);
  });

  it("in all of the above not one deadlock was met and retried", async () => {
    const client = await connect();
    const { rows } = await client.query(
      "SELECT deadlocks::int AS met FROM pg_stat_database WHERE datname = current_database()",
    );
    expect(rows).toEqual([{ met: 0 }]);
  });
});

/** Polls until some backend of this server waits for a lock. */
async function untilSomebodyWaits(client: Client): Promise<void> {
  const waiting = "SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1";
  await vi.waitUntil(async () => (await client.query(waiting)).rowCount === 1, { timeout: 20_000, interval: 5 });
}
