import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import type { NewJob } from "../transporter.ts";
import type { PostgresTransporter } from "./postgres.ts";
import { inputSeparator } from "./sql/enqueue.ts";

function job(differs: Partial<NewJob> = {}): { job: NewJob } {
  const usual = { name: "work", queue: "q", lane: "short", input: "{}", priority: 100, attempts: 3 } as const;
  return { job: { ...usual, timeoutMs: 60_000, delayMs: 0, ...differs } };
}

describe.skipIf(skipReason !== undefined)("PostgreSQL: enqueues of jobs alone", () => {
  const test = new TestServer();
  const schema = test.freshSchema();
  let store: PostgresTransporter;

  beforeAll(async () => {
    store = test.transporter(schema);
    await store.start();
  });
  afterAll(async () => {
    await store.stop();
  });

  it("L1 ids follow the order of the call, whatever shapes it mixes, and each keeps its own input", async () => {
    const items = Array.from({ length: 200 }, (_, index) =>
      job({
        queue: `mixed-${index % 3}`,
        input: JSON.stringify({ index }),
        priority: 100 + (index % 5),
        delayMs: index % 7 === 0 ? 3_600_000 : 0,
      }),
    );
    const ids = (await store.enqueue(items)).flatMap((added) => added.ids);
    expect(ids).toEqual(ids.toSorted((a, b) => Number(a) - Number(b)));
    const found = new Map((await store.get(ids)).map((one) => [one.id, one]));
    const seen = ids.map((id) => {
      const { queue, priority, input, status } = found.get(id)!;
      return { queue, priority, input, status };
    });
    expect(seen).toEqual(
      items.map(({ job: { queue, priority, input, delayMs } }) => {
        return { queue, priority, input, status: delayMs > 0 ? "delayed" : "queued" };
      }),
    );
  });

  it("L15 counters and the road have each added job, of every way to add one", async () => {
    const plain = [job({ queue: "counted" }), job({ queue: "counted" }), job({ queue: "counted", delayMs: 60_000 })];
    await store.enqueue(plain);
    for (const one of plain) await store.enqueue([one]);
    await store.enqueue([...plain, job({ queue: "counted", uniqueKey: "one" })]);
    const stages = [{ policy: "fail-fast" as const }, { policy: "fail-fast" as const }];
    const members = [0, 1, 1].map((stage) => ({ ...job({ queue: "counted" }).job, stage }));
    await store.enqueue([{ flow: { jobs: members, stages } }]);
    const { rows } = await store.sql.query(
      `SELECT sum(waiting)::int AS waiting, sum(delayed)::int AS delayed, sum(queued)::int AS queued,
        (SELECT count(*)::int FROM ${schema}.ready WHERE queue = 'counted') AS ready
        FROM (SELECT * FROM ${schema}.count UNION ALL SELECT * FROM ${schema}.count_delta) c WHERE c.queue = 'counted'`,
    );
    expect(rows).toEqual([{ waiting: 2, delayed: 3, queued: 8, ready: 8 }]);
  });

  it("L11 an input that has the separator is kept as it is", async () => {
    const inputs = [`"a${inputSeparator}b"`, '"c"', ""];
    const together = await store.enqueue(inputs.map((input) => job({ queue: "odd", input })));
    const alone = [];
    for (const input of inputs) alone.push(...(await store.enqueue([job({ queue: "odd", input })])));
    const ids = [...together, ...alone].flatMap((one) => one.ids);
    const { rows } = await store.sql.query(`SELECT input FROM ${schema}.job WHERE id = ANY ($1) ORDER BY id`, [ids]);
    expect(rows).toEqual([...inputs, ...inputs].map((input) => ({ input })));
  });

  it("L11 L14 one job alone joins a transaction, and is refused where its queue is full", async () => {
    await store.queues.configure("narrow", { depthMax: 1 });
    const one = [job({ queue: "narrow" })];
    const undone = store.sql.transaction(async (tx) => {
      await store.enqueue(one, { tx });
      await store.enqueue(one, { tx });
    });
    await expect(undone).rejects.toMatchObject({ code: "queue_full" });
    const [added] = await store.sql.transaction((tx) => store.enqueue(one, { tx }));
    expect((await store.get(added?.ids ?? [])).map(({ status }) => status)).toEqual(["queued"]);
    await expect(store.enqueue(one)).rejects.toMatchObject({ code: "queue_full" });
  });
});
