import { Client } from "pg";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import type { Claimed, NewJob } from "../transporter.ts";
import { LowWater } from "./low-water.ts";
import { settingsOf } from "./options.ts";
import { PostgresTransporter } from "./postgres.ts";

function jobs(count: number, differs: Partial<NewJob> = {}): { job: NewJob }[] {
  const usual = { name: "work", queue: "q", lane: "short", input: "{}", priority: 100, attempts: 3 } as const;
  return Array.from({ length: count }, () => ({ job: { ...usual, timeoutMs: 60_000, delayMs: 0, ...differs } }));
}

function idsOf(claimed: readonly Claimed[]): number[] {
  return claimed.map(({ id }) => Number(id));
}

describe.skipIf(skipReason !== undefined)("PostgreSQL: low-water marks", () => {
  const test = new TestServer();
  let schema = "";
  let store: PostgresTransporter;
  let client: Client;

  /** One connection: the mark is moved on between two claims. */
  beforeEach(async () => {
    schema = test.freshSchema();
    store = new PostgresTransporter({
      ...settingsOf({ connectionString: test.server.url, schema, poolMax: 1 }),
      lowWaterJobs: 1,
    });
    await store.start();
    client = new Client({ connectionString: test.server.url });
    await client.connect();
  });

  afterEach(async () => {
    vi.useRealTimers();
    await client.end();
    await store.stop();
  });

  async function claim(limit: number): Promise<Claimed[]> {
    const names = ["work"];
    return await store.claim([{ queue: "q", lane: "short", names, limit, leaseMs: 60_000, started: true }], "manager");
  }

  async function deferred({ id, fence, version }: Claimed): Promise<void> {
    await store.settle([{ id, fence, version, outcome: { kind: "defer", delayMs: 0 } }]);
  }

  /** One that has been fed these claims, one at a time. */
  async function markAfter(claims: readonly Claimed[][]): Promise<string | undefined> {
    const asked: Promise<unknown>[] = [];
    const query = async <R>(text: string, values: unknown[]): Promise<R[]> => {
      const rows = client.query(text, values).then((result) => result.rows);
      asked.push(rows);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      return (await rows) as R[];
    };
    const water = new LowWater({ query }, `"${schema}"`, 1);
    for (const claimed of claims) {
      water.claimed(claimed);
      await asked.at(-1);
      await Promise.resolve();
    }
    return water.parts("q", "short")?.flatMap((part) => (part.part === "rest" ? part.id : []))[0];
  }

  it("L1 a mark is the first job that is left, once all that was enqueued before the look is seen", async () => {
    await store.enqueue(jobs(20));
    const first = await claim(5);
    expect(await markAfter([first])).toBeUndefined();
    expect(await markAfter([first, first])).toBe("6");
    const rest = await claim(100);
    expect(await markAfter([rest, rest])).toBe("21");
  });

  it("L1 claims begin at the mark; what came back below it still comes first, in its order", async () => {
    await store.enqueue(jobs(20));
    const [first, second] = await claim(2);
    await claim(2);
    await claim(2);
    await deferred(second ?? expect.unreachable("nothing claimed"));
    await deferred(first ?? expect.unreachable("nothing claimed"));
    expect(idsOf(await claim(3))).toEqual([1, 2, 7]);
  });

  it("L1 what got below a mark against the rules is found within a minute", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    await store.enqueue(jobs(20));
    const [first] = await claim(2);
    await claim(2);
    await claim(2);
    await deferred(first ?? expect.unreachable("nothing claimed"));
    await client.query(`UPDATE "${schema}".ready SET late = false WHERE id = 1`);
    expect(idsOf(await claim(1))).toEqual([7]);
    vi.advanceTimersByTime(60_001);
    expect(idsOf(await claim(2))).toEqual([1, 8]);
  });

  it("L1 another priority than the marked ones comes in its place", async () => {
    await store.enqueue(jobs(4));
    await store.enqueue(jobs(4, { priority: 50 }));
    for (let taken = 0; taken < 6; taken += 1) await claim(1);
    await store.enqueue(jobs(1, { priority: 200 }));
    await store.enqueue(jobs(1, { priority: 75 }));
    await store.enqueue(jobs(1, { priority: 1 }));
    await store.enqueue(jobs(1));
    expect(idsOf(await claim(20))).toEqual([9, 12, 10, 7, 8, 11]);
  });

  it("L1 an enqueue that is open while later ones are claimed is not passed over", async () => {
    await store.enqueue(jobs(4));
    const ids = await store.sql.transaction(async (tx) => {
      const added = await store.enqueue(jobs(3), { tx });
      await store.enqueue(jobs(10));
      for (let taken = 0; taken < 12; taken += 1) await claim(1);
      return added.flatMap((one) => one.ids);
    });
    expect(idsOf(await claim(20))).toEqual([...ids.map(Number), 16, 17]);
  });

  it("L3 a claim that is undone while others go on leaves its jobs to the next", async () => {
    await store.enqueue(jobs(20));
    await client.query("BEGIN");
    const request = {
      queue: "q",
      lane: "short",
      names: ["work"],
      limit: 3,
      leaseMs: 60_000,
      started: true,
    };
    const { rowCount } = await client.query(`SELECT * FROM "${schema}".claim($1, 'another', 0)`, [
      JSON.stringify([request]),
    ]);
    expect(rowCount).toBe(3);
    expect(idsOf([...(await claim(1)), ...(await claim(1)), ...(await claim(1))])).toEqual([4, 5, 6]);
    await client.query("ROLLBACK");
    expect(idsOf(await claim(4))).toEqual([1, 2, 3, 7]);
  });
});
