/** A thread at a table of semaphores, for tests: counts in the section, or (0 times) stays in it. */
import { workerData } from "node:worker_threads";
import { NamedTable } from "../../src/memory/named-table.ts";
import { TableSemaphores } from "../../src/memory/table-semaphores.ts";

const { table, seat, cell, times } = workerData as {
  table: SharedArrayBuffer;
  seat: number;
  cell: SharedArrayBuffer;
  times: number;
};
const semaphores = new TableSemaphores(new NamedTable(table, seat));
const count = new Int32Array(cell);

for (let time = 0; time < times; time += 1) {
  const held = await semaphores.acquire({ name: "s", permits: 1, waitMs: 60_000 });
  const before = count[0] ?? 0;
  await Promise.resolve();
  count[0] = before + 1;
  await held?.release();
}
if (times === 0) {
  await semaphores.acquire({ name: "s", permits: 1, waitMs: 60_000 });
  Atomics.store(count, 0, -1);
  setInterval(() => undefined, 60_000);
}
