import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { limits } from "../../src/index.ts";
import { NamedTable } from "../../src/memory/named-table.ts";
import { TableSemaphores } from "../../src/memory/table-semaphores.ts";

const workers: Worker[] = [];
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
});

const buffer = (): SharedArrayBuffer => NamedTable.allocate();
const wish = (name: string, permits = 1, waitMs = 60_000) => ({ name, permits, waitMs });

/** A thread at the table that adds to a plain, unprotected cell: right only if nobody else is in the section. */
function counter(table: SharedArrayBuffer, seat: number, cell: SharedArrayBuffer, times: number): Worker {
  const script = new URL("table-thread.ts", import.meta.url);
  const worker = new Worker(script, { workerData: { table, seat, cell, times }, execArgv: ["--conditions=source"] });
  workers.push(worker);
  return worker;
}

const exited = (worker: Worker): Promise<number> => new Promise((resolve) => worker.once("exit", resolve));

describe("semaphores in shared memory", () => {
  test("L12: threads add to one cell in a loop; with the semaphore none is lost", async () => {
    const [table, cell] = [buffer(), new SharedArrayBuffer(4)];
    const codes = [1, 2, 3, 4].map((seat) => exited(counter(table, seat, cell, 500)));
    expect(await Promise.all(codes)).toEqual([0, 0, 0, 0]);
    expect(new Int32Array(cell)[0]).toBe(2_000);
  });

  test("L12: a thread that is ended in the section, or with the table's lock in hand, frees both", async () => {
    const [table, cell] = [buffer(), new SharedArrayBuffer(4)];
    const own = new NamedTable(table, 0);
    const semaphores = new TableSemaphores(own);
    const worker = counter(table, 1, cell, 0);
    await expect.poll(() => Atomics.load(new Int32Array(cell), 0), { timeout: 60_000 }).toBe(-1);
    expect(await semaphores.acquire(wish("s", 1, 0))).toBeUndefined();
    const waiting = semaphores.acquire(wish("s"));
    await worker.terminate();
    // As if it had died with the lock: a word that says that seat 1 has it.
    Atomics.store(new Int32Array(table), 0, 2);
    await own.abandon(1);
    const held = await waiting;
    expect(held?.fence).toBe(2);
    await held?.release();
  });

  test("L12: who comes while others wait does not pass them, whatever the seat", async () => {
    const table = buffer();
    const [first, second] = [new NamedTable(table, 0), new NamedTable(table, 1)];
    const now = { wait: false, waits: false };
    expect(await first.take("s", 1, now)).toMatchObject({ state: "held" });
    expect(await second.take("s", 1, { wait: true, waits: false })).toMatchObject({ state: "waiting" });
    await first.give("s");
    expect(await first.take("s", 1, now)).toEqual({ state: "taken" });
    expect(await second.take("s", 1, { wait: true, waits: true })).toMatchObject({ state: "held" });
    await second.give("s");
    expect(await first.take("s", 1, now)).toMatchObject({ state: "held" });
  });

  test("L14: as many names at a time as there are slots; those out of use make room, whatever the number of names", async () => {
    const semaphores = new TableSemaphores(new NamedTable(buffer(), 0));
    const max = limits.managerSemaphoresMax;
    for (let index = 0; index < 3 * max; index += 1) {
      await (await semaphores.acquire(wish(`name ${index}`)))?.release();
    }
    const held = [];
    for (let index = 0; index < max; index += 1) held.push(await semaphores.acquire(wish(`held ${index} ü`)));
    expect(new Set(held.map((permit) => permit?.fence)).size).toBe(max);
    await expect(semaphores.acquire(wish("one more"))).rejects.toMatchObject({ code: "permit_waiters_exceeded" });
    await held[0]?.release();
    await (await semaphores.acquire(wish("one more")))?.release();
    expect(await semaphores.acquire(wish("held 1 ü", 1, 0))).toBeUndefined();
  });
});
