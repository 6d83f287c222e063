import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/manager/clock.ts";
import { isolatedScopes } from "../../src/memory/isolated-scopes.ts";
import { ManagerScopes } from "../../src/memory/manager-scopes.ts";
import { NamedTable } from "../../src/memory/named-table.ts";
import { store, temporaryFolder } from "../manager/harness.ts";

/** As `npm run prove:bank` has them as real threads: here each thread's end of its manager's table, on one event loop. */
test("L12: threads beyond the table's seats share its semaphores through their manager, strictly; seats are used again", async () => {
  const { permits, memory, capabilities } = await store();
  const manager = new ManagerScopes({
    transporter: { permits, memory, capabilities },
    guard: {
      permits: () => {
        throw new RangeError("the manager's own scope has no leases");
      },
    },
    leaseMs: 10_000,
    hostFolder: join(temporaryFolder(), "host"),
    clock: systemClock,
    random: Math.random,
  });
  const connect = () => {
    const connected = manager.connect(true, () => undefined);
    const { scopes } = isolatedScopes((call) => connected.host.answer(call), connected.seat);
    return { ...connected, scope: scopes.manager };
  };
  const threads = Array.from({ length: 100 }, connect);
  const seated = threads.filter(({ seat }) => seat !== undefined);
  expect(seated.length).toBe(NamedTable.seats - 1);

  let inside = 0;
  let most = 0;
  let sections = 0;
  await Promise.all(
    threads.map(async ({ scope }) => {
      for (let time = 0; time < 5; time += 1) {
        const held = await scope.acquire({ name: "s", permits: 2, waitMs: 100_000 });
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        sections += held === undefined ? 0 : 1;
        await held?.release();
      }
    }),
  );
  expect({ most, sections }).toEqual({ most: 2, sections: 500 });

  // One without a seat dies in the section; a seat that comes free goes to the next thread.
  const [unseated] = threads.filter(({ seat }) => seat === undefined);
  const one = { name: "one", permits: 1, waitMs: 100_000 };
  expect(await unseated!.scope.acquire(one)).toBeDefined();
  const waiting = seated[0]!.scope.acquire(one);
  await unseated!.close();
  await (await waiting)?.release();
  await seated[0]!.close();
  expect(connect().seat?.seat).toBe(seated[0]!.seat?.seat);
  await Promise.all(threads.map((thread) => thread.close()));
  await manager.stop();
});
