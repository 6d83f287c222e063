import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import type { NewItem, NewJob } from "../transporter.ts";
import type { PostgresTransporter } from "./postgres.ts";
import { inputSeparator } from "./sql/enqueue.ts";

function job(differs: Partial<NewJob> = {}): { job: NewJob } {
  const usual = { name: "work", queue: "q", lane: "short", input: "{}", priority: 100, attempts: 3 } as const;
  return { job: { ...usual, timeoutMs: 60_000, delayMs: 0, ...differs } };
}

/** Of two lines of counters. */
function difference(after: Record<string, unknown>, before: Record<string, unknown> | undefined): object {
  return Object.fromEntries(
    Object.entries(after).map(([key, value]) => [
      key,
      typeof value === "number" ? value - Number(before?.[key]) : value,
    ]),
  );
}

describe.skipIf(skipReason !== undefined)("PostgreSQL: enqueues of many", () => {
  const test = new TestServer();
  const schema = test.freshSchema();
  let store: PostgresTransporter;

  const counters = `SELECT c.queue, c.lane, sum(waiting)::int AS waiting, sum(delayed)::int AS delayed, sum(queued)::int AS queued
    FROM (SELECT * FROM ${schema}.count UNION ALL SELECT * FROM ${schema}.count_delta) c WHERE c.queue IN ('q', 'other') GROUP BY 1, 2 ORDER BY 1, 2`;

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

  it("L6, L15 flows added by shape are those added in full: rows, stages, road and counters", async () => {
    const all = "all-processed" as const;
    const wide = {
      jobs: [0, 1, 1, 2].map((stage, index) => ({ ...job({ input: `{"n":${index}}` }).job, stage })),
      stages: [{ policy: all }, { policy: "fail-fast" as const }, { policy: "all-settled" as const }],
    };
    const deep = {
      jobs: [
        { ...job({ priority: 200 }).job, stage: 0 },
        { ...job({ delayMs: 60_000, queue: "other" }).job, stage: 0 },
        { ...job({ lane: "long", timeoutMs: 1_000 }).job, stage: 2 },
        { ...job({ attempts: 7, delayMs: 50_000 }).job, stage: 3 },
        { ...job({ name: "else" }).job, stage: 1 },
      ],
      stages: [
        { policy: all },
        { policy: all },
        { parent: 0, policy: all },
        { parent: 0, policy: "all-settled" as const },
      ],
    };
    const flows = [{ flow: wide }, { flow: deep }, { flow: wide }];
    const added = async (items: NewItem[]): Promise<unknown> => {
      const { rows: before } = await store.sql.query(counters);
      const told = (await store.enqueue(items)).filter(({ flowId }) => flowId !== undefined);
      const { rows: after } = await store.sql.query(counters);
      const seen = await Promise.all(
        told.map(async ({ flowId, ids }) => {
          const from = Number(flowId);
          const { rows: jobs } = await store.sql.query(
            `SELECT (to_jsonb(j) - '{id,created_at,ready_at,flow_id,parent_id,stage_id}'::text[]) || jsonb_build_object('id', j.id - $1,
              'parent', j.parent_id - $1, 'stage_id', j.stage_id - $1, 'due', j.ready_at - j.created_at,
              'ready', (SELECT jsonb_build_array(r.rank, r.used, r.late, r.plain, r.stage_id - $1, r.lane, r.queue, r.name) FROM ${schema}.ready r WHERE r.id = j.id)) AS row
            FROM ${schema}.job j WHERE j.flow_id = $1 ORDER BY j.id`,
            [from],
          );
          const { rows: stages } = await store.sql.query(
            `SELECT (to_jsonb(s) - '{id,flow_id,parent_id}'::text[]) || jsonb_build_object('id', s.id - $1, 'parent', s.parent_id - $1) AS row
            FROM ${schema}.stage s WHERE s.flow_id = $1 ORDER BY s.id`,
            [from],
          );
          const { rows: flow } = await store.sql.query(
            `SELECT to_jsonb(f) - '{id,created_at}'::text[] AS row FROM ${schema}.flow f WHERE f.id = $1`,
            [from],
          );
          return { ids: ids.map((id) => Number(id) - from), jobs, stages, flow };
        }),
      );
      return { seen, counted: after.map((line, index) => difference(line, before[index])) };
    };
    const inFull = job({ queue: "aside", uniqueKey: "in full" });
    await store.enqueue([job({ queue: "other" }), job({ lane: "long" }), job({ queue: "aside" }), job()]);
    const byShape = await added([...flows]);
    expect(await added([...flows, inFull])).toEqual(byShape);
    expect(byShape).toMatchObject({ seen: [{ ids: [1, 2, 3, 4] }, { ids: [1, 2, 3, 4, 5] }, { ids: [1, 2, 3, 4] }] });
  });

  it("L11 L14 flows enqueued one by one at the same time share statements; each is told its own, and one that is refused fails alone", async () => {
    await store.queues.configure("full", { depthMax: 0 });
    const stages = [{ policy: "all-processed" as const }, { policy: "all-processed" as const }];
    const flowOf = (index: number): NewItem => {
      const members = [0, 1, 1].map((stage) => ({
        ...job({ queue: index === 30 ? "full" : "shared", input: `${index}` }).job,
        stage,
      }));
      return { flow: { jobs: members, stages } };
    };
    const told = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => store.enqueue([flowOf(index)])));
    expect(told.flatMap(({ status }, index) => (status === "rejected" ? [index] : []))).toEqual([30]);
    expect(told[30]).toMatchObject({ reason: { code: "queue_full" } });
    for (const [index, one] of told.entries()) {
      if (one.status === "rejected") continue;
      const jobs = await store.get(one.value[0]!.ids);
      expect(jobs.map(({ input, flowId }) => [input, flowId])).toEqual(
        [0, 1, 2].map(() => [`${index}`, one.value[0]!.flowId]),
      );
    }
    const gathered = await Promise.all(
      Array.from({ length: 40 }, (_, index) => store.enqueue([flowOf(index === 30 ? 0 : index)])),
    );
    const { rows } = await store.sql.query(
      `SELECT count(DISTINCT f.xmin::text)::int AS transactions FROM ${schema}.flow f WHERE f.id = ANY ($1)`,
      [gathered.map(([one]) => one?.flowId)],
    );
    expect(rows).toEqual([{ transactions: 3 }]);
  });
});
