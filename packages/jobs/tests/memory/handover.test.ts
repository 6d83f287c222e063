import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { SemaphoreScope, Transporter } from "../../src/index.ts";
import { ManagerScopes } from "../../src/memory/manager-scopes.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";
import { stoppedAfter, temporaryFolder } from "../manager/harness.ts";
import { skipReason, TestServer } from "../postgres-server.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** Pauses never end by time: who is not told waits for ever. */
const frozen = { now: () => performance.now(), after: () => () => undefined };

/** No lease ends here: nobody has to keep them. */
const guard = {
  permits: () => {
    throw new RangeError("no thread in this test");
  },
};

/** The scopes of so many managers, each with what tells it apart from others: its waiters and its bell. */
async function managers(count: number, open: () => Transporter, hostFolder: string): Promise<ManagerScopes[]> {
  const made: ManagerScopes[] = [];
  for (let index = 0; index < count; index += 1) {
    const transporter = open();
    await transporter.start();
    const { permits, memory, capabilities } = transporter;
    const scopes = new ManagerScopes({
      transporter: { permits, memory, capabilities },
      guard,
      leaseMs: 3_600_000,
      hostFolder,
      clock: frozen,
      random: () => 0.5,
    });
    stops.push(() => scopes.stop());
    made.push(scopes);
  }
  return made;
}

/** All go through the section so many times; how many were in it at once at most, and how often they looked. */
async function sections(made: readonly ManagerScopes[], scope: SemaphoreScope, permits: number, times: number) {
  let inside = 0;
  let most = 0;
  let done = 0;
  await Promise.all(
    made.map(async ({ scopes }) => {
      for (let time = 0; time < times; time += 1) {
        const held = await scopes[scope].acquire({ name: "s", permits, waitMs: 3_600_000 });
        inside += 1;
        most = Math.max(most, inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
        done += 1;
        await held?.release();
      }
    }),
  );
  return { most, done };
}

function handoverTests(name: string, scope: SemaphoreScope, opener: () => () => Transporter): void {
  test.each([1, 3])(`L12 a permit that comes back is passed on by word alone: ${name}, %i permits`, async (permits) => {
    const made = await managers(6, opener(), join(temporaryFolder(), "host"));
    const { most, done } = await sections(made, scope, permits, 20);
    expect(done).toBe(120);
    expect(most).toBeLessThanOrEqual(permits);
  });

  test(`L12 who leaves the head of the line tells the next: ${name}`, async () => {
    const [first, second, third] = await managers(3, opener(), join(temporaryFolder(), "host"));
    const wish = { name: "s", permits: 1, waitMs: 3_600_000 };
    const held = await first!.scopes[scope].acquire(wish);
    const leaving = new AbortController();
    const head = second!.scopes[scope].acquire({ ...wish, signal: leaving.signal });
    const next = third!.scopes[scope].acquire(wish);
    const refusal = new RangeError("changed my mind");
    leaving.abort(refusal);
    await expect(head).rejects.toBe(refusal);
    await held?.release();
    const got = await next;
    expect(got?.fence).toBeGreaterThan(held?.fence ?? Infinity);
    await got?.release();
  });
}

function onOneFile(): () => Transporter {
  const path = join(temporaryFolder(), "jobs.db");
  return () => stoppedAfter(sqlite(path));
}

describe("handing over between managers of one host", () => {
  handoverTests("store scope, SQLite", "store", onOneFile);

  describe.skipIf(skipReason !== undefined)("with a server", () => {
    const server = new TestServer();
    handoverTests("store scope, PostgreSQL", "store", () => {
      const schema = server.freshSchema();
      return () => server.transporter(schema);
    });
  });
});
