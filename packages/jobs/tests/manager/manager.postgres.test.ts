import { describe, expect, test } from "vitest";
import { defineJob, flow, typed, type Transporter } from "../../src/index.ts";
import { skipReason, TestServer } from "../postgres-server.ts";
import { jobIn, managed, signal, stoppedAfter } from "./harness.ts";

describe.skipIf(skipReason !== undefined)("the manager on PostgreSQL", () => {
  const postgres = new TestServer();

  /** As two hosts have it: connections of their own to one schema. */
  async function stores(schema = postgres.freshSchema()): Promise<[Transporter, Transporter]> {
    const both = [postgres.transporter(schema), postgres.transporter(schema)] as const;
    for (const transporter of both) await stoppedAfter(transporter).start();
    return [both[0], both[1]];
  }

  test("L3, L6, L7, L11: two managers share flows that wait, are woken in a transaction, and end both ways", async () => {
    const [store, otherStore] = await stores();
    const ran: string[] = [];
    const create = defineJob("create", {
      input: typed<string>(),
      run: ({ input }) => void ran.push(`create ${input}`),
    });
    const wait = defineJob("wait", {
      input: typed<string>(),
      run: ({ input, attempt, release, fail }) => {
        if (attempt === 1) return release({ after: "1h", wake: input });
        ran.push(`woken ${input}`);
        return input.startsWith("bad") ? fail(new RangeError("did not boot")) : undefined;
      },
    });
    const ready = defineJob("ready", { input: typed<string>(), run: ({ input }) => void ran.push(`ready ${input}`) });
    const report = defineJob("report", {
      input: typed<string>(),
      run: async ({ input, flowFailure }) => void ran.push(`${(await flowFailure())?.failure.message} ${input}`),
    });
    const jobs = [create, wait, ready, report];
    const { manager, witness } = managed({ transporter: store, jobs, lease: 10_000 });
    const { manager: other, witness: otherWitness } = managed({ transporter: otherStore, jobs, lease: 10_000 });
    await Promise.all([manager.start(), other.start()]);
    const names = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? `good-${index}` : `bad-${index}`));
    await store.sql!.transaction(async (tx) => {
      for (const name of names) {
        const deploy = flow(create, name).then(wait.with(name)).then(ready.with(name)).onFailed(report, name);
        await manager.enqueue(deploy, { tx });
      }
      await manager.wake(names, { tx });
    });
    const last = (await manager.list({ limit: 1_000 })).filter(({ name }) => name === "report" || name === "ready");
    const seen = new Set<string>();
    const done = signal();
    const watch = (jobId: string): void => {
      seen.add(jobId);
      if (last.filter(({ id }) => seen.has(id)).length === names.length) done.resolve();
    };
    for (const one of [witness, otherWitness]) {
      one.each("attempt.settled", ({ outcome, jobId }) => {
        if (outcome === "processed") watch(jobId);
      });
    }
    await done.promise;
    const expected = names.flatMap((name) => [
      `create ${name}`,
      `woken ${name}`,
      name.startsWith("bad") ? `did not boot ${name}` : `ready ${name}`,
    ]);
    expect(ran.toSorted()).toEqual(expected.toSorted());
  });

  /** Two attempts that end in one call to the store, whatever it has come to mean meanwhile; returns what became of them. */
  async function endedTogether(
    end: "released" | "processed",
    meanwhile: (write: (statement: string) => Promise<unknown>, schema: string, first: string) => Promise<void>,
  ) {
    const schema = postgres.freshSchema();
    const [store] = await stores(schema);
    const query = (statement: string) => store.sql!.query(statement);
    const hold = signal();
    const job = defineJob("job", {
      input: typed<string>(),
      run: async ({ input, release }) => {
        await hold.promise;
        return input === "first" && end === "released" ? release({ after: "1h" }) : undefined;
      },
    });
    const { manager, witness } = managed({ transporter: store, jobs: [job], lease: 30_000 });
    await manager.start();
    const [first, second] = await manager.enqueueMany([job.with("first"), job.with("second")]);
    await witness.until("attempt.started", () => true, 2);
    await meanwhile(query, schema, first?.id ?? "");
    hold.resolve();
    await witness.settled(second?.id ?? "", "processed");
    const { id: later } = await manager.enqueue(job, "later");
    await witness.settled(later, "processed");
    return { witness, first: first?.id ?? "", running: (await query(`select id from ${schema}.running`)).rows };
  }

  test.each(["released", "processed"] as const)(
    "L3: the end (%s) of a job whose row was deleted by hand holds up no other",
    async (end) => {
      const { witness, first, running } = await endedTogether(end, async (write, schema, id) => {
        await write(`delete from ${schema}.job where id = ${id}`);
      });
      if (end === "released") await witness.until("attempt.refused", ({ jobId }) => jobId === first);
      expect(running).toEqual([]);
    },
  );

  test("L3, L11: an end that the store refuses each time is dropped and told; what came with it is taken", async () => {
    const { witness, first } = await endedTogether("released", async (write, schema, id) => {
      const raises = "returns trigger language plpgsql as $$ begin raise exception 'not this one'; end $$";
      await write(`create function ${schema}.refuse() ${raises}`);
      const when = `before update on ${schema}.job for each row when (old.id = ${id})`;
      await write(`create trigger refuse ${when} execute function ${schema}.refuse()`);
    });
    const [{ failure } = {}] = await witness.until("attempt.unsettled", ({ jobId }) => jobId === first);
    expect(failure).toMatchObject({ code: "store_refused", message: expect.stringContaining("not this one") });
  });

  test("L11: the server is killed while a job runs: its end waits for the server and is taken; it ran once", async () => {
    const [store] = await stores();
    const hold = signal();
    let runs = 0;
    const job = defineJob("job", {
      run: async () => {
        runs += 1;
        await hold.promise;
        return runs;
      },
    });
    const { manager, witness } = managed({ transporter: store, jobs: [job], lease: 30_000 });
    await manager.start();
    const { id } = await manager.enqueue(job);
    await witness.until("attempt.started");
    await postgres.server.halt("kill");
    hold.resolve();
    await witness.until("service.error");
    await postgres.server.resume();
    await witness.settled(id, "processed");
    expect(await jobIn(manager, id)).toMatchObject({ status: "processed", fence: 1, result: "1" });
    const next = await manager.enqueue(job);
    await witness.settled(next.id, "processed");
  });
});
