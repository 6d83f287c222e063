import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { skipReason, TestServer } from "../../../tests/postgres-server.ts";
import type { Claimed, NewJob, Transporter } from "../transporter.ts";
import type { PostgresTransporter } from "./postgres.ts";

const rounds = 12;

function job(differs: Partial<NewJob> = {}): { job: NewJob } {
  const base = { name: "work", queue: "q", lane: "short", input: "{}", priority: 100, attempts: 30 } as const;
  return { job: { ...base, timeoutMs: 60_000, delayMs: 0, ...differs } };
}

function claim(store: Transporter, queues: string[], limit: number): Promise<Claimed[]> {
  const asked = { lane: "short" as const, names: ["work"], limit, leaseMs: 60_000, started: true };
  return store.claim(
    queues.map((queue) => ({ queue, ...asked })),
    "m",
  );
}

function settle(store: Transporter, jobs: readonly Claimed[]): Promise<unknown> {
  return store.settle(jobs.map(({ id, fence, version }) => ({ id, fence, version, outcome: { kind: "processed" } })));
}

describe.skipIf(skipReason !== undefined)("PostgreSQL: limits under many hands", () => {
  const test = new TestServer();
  const schema = test.freshSchema();
  const hosts: PostgresTransporter[] = [];

  beforeAll(async () => {
    for (let host = 0; host < 4; host += 1) {
      const store = test.transporter(schema);
      await store.start();
      hosts.push(store);
    }
  });
  afterAll(async () => {
    for (const store of hosts) await store.stop();
  });

  it("L14 a limit turned on while others claim counts every job that they took", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const queue = `turned-on-${round}`;
      await hosts[0]!.enqueue(Array.from({ length: 60 }, () => job({ queue })));
      const claims = Array.from({ length: 24 }, (_, index) => claim(hosts[index % 4]!, [queue], 2));
      const [configured, ...taken] = await Promise.all([
        hosts[3]!.queues.configure(queue, { concurrency: 5 }),
        ...claims,
      ]);
      expect(configured.concurrency).toBe(5);
      const { rows } = await hosts[0]!.sql.query(
        `SELECT count(*)::int AS uncounted FROM ${schema}.job_now WHERE status = 'in_progress' AND queue = $1 AND NOT limited`,
        [queue],
      );
      expect(rows).toEqual([{ uncounted: 0 }]);
      const running = taken.flat();
      if (running.length >= 5) expect(await claim(hosts[0]!, [queue], 10)).toEqual([]);
      await settle(hosts[1]!, running);
    }
  });

  it("L14 L3 claims and ends of several limited queues in any order: no limit overshot, nothing left behind, no deadlock", async () => {
    const queues = ["a", "b", "c"].map((name) => `crossed-${name}`);
    for (const queue of queues) await hosts[0]!.queues.configure(queue, { concurrency: 6, keyConcurrency: 2 });
    const jobs = Array.from({ length: 240 }, (_, n) => job({ queue: queues[n % 3]!, limitKey: `k${n % 4}` }));
    await hosts[0]!.enqueue(jobs);
    let done = 0;
    let idle = 0;
    const worker = async (host: number): Promise<void> => {
      const store = hosts[host % 4]!;
      const order = [...queues.slice(host % 3), ...queues.slice(0, host % 3)];
      while (done < jobs.length && idle < 2_000) {
        const claimed = await claim(store, order, 3);
        if (claimed.length === 0) idle += 1;
        const { rows } = await store.sql.query(
          `SELECT count(*)::int AS n FROM ${schema}.job_now WHERE status = 'in_progress' AND queue = ANY ($1) GROUP BY queue, limit_key HAVING count(*) > 2`,
          [queues],
        );
        expect(rows).toEqual([]);
        await settle(store, claimed);
        done += claimed.length;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, host) => worker(host)));
    expect(done).toBe(jobs.length);
    const { rows } = await hosts[0]!.sql.query(
      "SELECT deadlocks::int AS met FROM pg_stat_database WHERE datname = current_database()",
    );
    expect(rows).toEqual([{ met: 0 }]);
  });
});
