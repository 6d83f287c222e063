import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  defineJob,
  JobManager,
  limits,
  type JobManagerOptions,
  type PermitLease,
  type SemaphoreScope,
} from "../../src/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";
import { managed, signal, stoppedAfter, store, temporaryFolder, untilAborted, withFaults } from "../manager/harness.ts";

async function started(options: Partial<JobManagerOptions> = {}): Promise<JobManager> {
  const folder = temporaryFolder();
  // No lease ends by a busy machine.
  const hostFolder = join(folder, "host");
  const { manager } = managed({ transporter: await store(), hostFolder, lease: "1m", ...options });
  await manager.start();
  return manager;
}

/** How many sections of a name run at once, at most. */
async function mostAtOnce(
  count: number,
  section: (fn: () => Promise<void>, index: number) => Promise<void>,
): Promise<{ most: number; order: number[] }> {
  let inside = 0;
  let most = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: count }, (_, index) =>
      section(async () => {
        inside += 1;
        most = Math.max(most, inside);
        order.push(index);
        await new Promise((resolve) => setImmediate(resolve));
        inside -= 1;
      }, index),
    ),
  );
  return { most, order };
}

describe.each(["manager", "host", "store"] as const)("L12: scope %s", (scope: SemaphoreScope) => {
  test("sections of one name run one after the other, in the order they came; of two names side by side", async () => {
    const manager = await started();
    const { most, order } = await mostAtOnce(20, (fn) => manager.ensureAtomicity("a", fn, { scope }));
    expect(most).toBe(1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    const [first, second] = [signal(), signal()];
    await Promise.all([
      manager.ensureAtomicity("a", () => (first.resolve(), second.promise), { scope }),
      manager.ensureAtomicity("b", () => (second.resolve(), first.promise), { scope }),
    ]);
  });

  test("it gives back what the section returns or throws, and the permit in both cases", async () => {
    const manager = await started();
    expect(await manager.ensureAtomicity("a", () => 42, { scope })).toBe(42);
    const refusal = new RangeError("no");
    const section = manager.ensureAtomicity("a", () => Promise.reject(refusal), { scope });
    await expect(section).rejects.toBe(refusal);
    expect(await manager.ensureAtomicity("a", ({ fence }) => fence, { scope })).toBeGreaterThan(0);
  });

  test("a semaphore with n permits has n holders and not one more; fences grow", async () => {
    const manager = await started();
    const semaphore = manager.semaphore("s", { permits: 3, scope });
    const { most } = await mostAtOnce(20, (fn) => semaphore.use(fn));
    expect(most).toBe(3);
    const permits = [await semaphore.acquire(), await semaphore.acquire(), await semaphore.acquire()];
    expect(permits.map(({ fence }) => fence)).toEqual(permits.map(({ fence }) => fence).toSorted((a, b) => a - b));
    expect(await semaphore.tryAcquire()).toBeUndefined();
    await permits[1]!.release();
    await permits[1]!.release();
    permits[1] = (await semaphore.tryAcquire())!;
    expect(await semaphore.tryAcquire()).toBeUndefined();
    await Promise.all(permits.map((permit) => permit.release()));
  });

  test("waiting ends at the timeout, at the signal and at the manager's stop, and leaves the line to the next", async () => {
    const manager = await started();
    const semaphore = manager.semaphore("s", { scope });
    const permit = await semaphore.acquire();
    const controller = new AbortController();
    const refusal = new RangeError("changed my mind");
    const late = semaphore.acquire({ timeout: 20 });
    const aborted = semaphore.acquire({ signal: controller.signal });
    const next = semaphore.acquire();
    await expect(late).rejects.toMatchObject({ code: "permit_timed_out" });
    await expect(late).rejects.toThrow(/"s" .*20 ms/);
    controller.abort(refusal);
    await expect(aborted).rejects.toBe(refusal);
    await permit.release();
    const second = await next;
    const stopped = semaphore.acquire();
    stopped.catch(() => undefined);
    await manager.stop();
    expect(second.signal.aborted, "told that nobody renews it any more").toBe(scope !== "manager");
    await expect(stopped).rejects.toMatchObject({ code: "manager_stopped" });
  });

  test("a section that asks for its own semaphore is told so instead of waiting for itself", async () => {
    const manager = await started();
    const bank = manager.memory(scope);
    const nested = { code: "semaphore_nested" };
    await manager.ensureAtomicity(
      "a",
      async () => {
        await expect(manager.ensureAtomicity("a", () => 1, { scope })).rejects.toMatchObject(nested);
        await expect(bank.atomIncrement("a")).rejects.toMatchObject(nested);
        expect(await bank.atomIncrement("b")).toBe(1);
      },
      { scope },
    );
    expect(await bank.atomIncrement("a")).toBe(1);
  });

  test("two numbers of permits for one name are refused while it is in use", async () => {
    const manager = await started();
    const held = await manager.semaphore("s", { permits: 2, scope }).acquire();
    const other = manager.semaphore("s", { permits: 3, scope }).acquire();
    await expect(other).rejects.toMatchObject({ code: "semaphore_mismatch" });
    await held.release();
  });

  test("memory: add, get, has, remove of plain data; nothing is undefined", async () => {
    const bank = (await started()).memory(scope);
    expect([await bank.get("k"), await bank.has("k"), await bank.remove("k")]).toEqual([undefined, false, false]);
    await bank.add("k", { list: [1, "zwei", null] });
    expect([await bank.get("k"), await bank.has("k")]).toEqual([{ list: [1, "zwei", null] }, true]);
    await bank.atomAdd("k", 7);
    expect([await bank.atomGet("k"), await bank.atomRemove("k"), await bank.atomRemove("k")]).toEqual([7, true, false]);
    await expect(bank.add("k", 1n)).rejects.toMatchObject({ code: "invalid_input" });
    await expect(bank.add("", 1)).rejects.toMatchObject({ code: "invalid_options" });
  });

  test("atom… waits for a section of the key's name: nothing comes between its reading and its writing", async () => {
    const manager = await started();
    const bank = manager.memory(scope);
    const [entered, asked] = [signal(), signal()];
    const section = manager.ensureAtomicity(
      "k",
      async () => {
        entered.resolve();
        await asked.promise;
        await bank.add("k", Number((await bank.get("k")) ?? 0) + 1);
        expect(await bank.get("k")).toBe(1);
      },
      { scope },
    );
    await entered.promise;
    const increment = bank.atomIncrement("k", 10);
    // It has had every chance to come between.
    expect(await bank.has("other")).toBe(false);
    asked.resolve();
    await section;
    expect(await increment).toBe(11);
    const sums = await Promise.all(Array.from({ length: 20 }, () => bank.atomIncrement("k")));
    expect(new Set(sums).size).toBe(20);
    expect(await bank.get("k")).toBe(31);
    await bank.add("text", "7");
    await expect(bank.atomIncrement("text")).rejects.toMatchObject({ code: "invalid_input" });
  });
});

describe("L12: a permit that is lost", () => {
  test("is told to its holder; its memory calls change nothing any more, and the section fails", async () => {
    const folder = temporaryFolder();
    const [first, second] = [await store(join(folder, "jobs.db")), stoppedAfter(sqlite(join(folder, "jobs.db")))];
    await second.start();
    const lease = 1_000;
    const { manager } = managed({ transporter: first, lease });
    const other = managed({ transporter: second, lease }).manager;
    const told = signal();
    const section = manager.ensureAtomicity("s", async ({ signal: lost, fence }) => {
      lost.addEventListener("abort", () => told.resolve());
      await manager.memory().add("k", 1);
      // By this clock every lease has ended: as if the holder had hung for its lease.
      second.setClockOffset(3_600_000);
      await using taken = await other.semaphore("s").acquire();
      expect(taken.fence).toBeGreaterThan(fence);
      await expect(manager.memory().add("k", 2)).rejects.toMatchObject({ code: "permit_lost" });
      await told.promise;
      expect(lost.reason).toMatchObject({ code: "permit_lost" });
    });
    await expect(section).rejects.toMatchObject({ code: "permit_lost" });
    expect(await manager.memory().get("k")).toBe(1);
  });

  test("is not lost while it is renewed, lease after lease", async () => {
    const transporter = await store();
    let renewals = 0;
    const permits = {
      ...transporter.permits,
      renew: async (leases: PermitLease[]) => {
        renewals += 1;
        return await transporter.permits.renew(leases);
      },
    };
    const { manager } = managed({ transporter: withFaults(transporter, { permits }), lease: 2_000 });
    const held = await manager.semaphore("s").acquire();
    const waiting = manager.semaphore("s").acquire();
    await expect.poll(() => renewals, { timeout: 20_000 }).toBeGreaterThan(3);
    expect(held.signal.aborted).toBe(false);
    await held.release();
    await (await waiting).release();
  });

  test("by a store that is away is told before its lease ends", async () => {
    const transporter = await store();
    const permits = { ...transporter.permits, renew: () => new Promise<never>(() => undefined) };
    const { manager } = managed({ transporter: withFaults(transporter, { permits }), lease: 600 });
    const { signal: lost } = await manager.semaphore("s").acquire();
    await expect.poll(() => lost.aborted, { timeout: 20_000 }).toBe(true);
    expect(lost.reason).toMatchObject({ code: "permit_lost" });
  });
});

describe("L12: in handlers", () => {
  test("waiting for a permit ends with the job's signal", async () => {
    const waits = defineJob("waits", {
      timeout: 50,
      attempts: 1,
      run: ({ ensureAtomicity, signal: aborted }) =>
        Promise.race([ensureAtomicity("s", () => "in", { timeout: "1h" }), untilAborted(aborted)]),
    });
    const { manager, witness } = managed({ transporter: await store(), jobs: [waits] });
    await manager.start();
    const held = await manager.semaphore("s").acquire();
    const { id } = await manager.enqueue(waits);
    await witness.settled(id, "failed");
    expect(await manager.attempts(id)).toMatchObject([{ cause: "timeout" }]);
    await held.release();
  });

  test("inline jobs share the scope of the manager with the program around it", async () => {
    const counts = defineJob("counts", { run: ({ memory }) => memory("manager").atomIncrement("n") });
    const { manager, witness } = managed({ transporter: await store(), jobs: [counts] });
    await manager.start();
    await manager.memory("manager").add("n", 41);
    const { id } = await manager.enqueue(counts);
    await witness.settled(id, "processed");
    expect(await manager.memory("manager").get("n")).toBe(42);
  });
});

describe("L14: bounds", () => {
  test("names, permits and scopes that cannot be are refused with the value", async () => {
    const manager = await started();
    expect(() => manager.semaphore("s", { permits: 0 })).toThrow(/permits is 0/);
    expect(() => manager.semaphore("s", { permits: limits.permitsMax + 1 })).toThrow(/permits is 10001/);
    expect(() => manager.memory("galaxy" as "store")).toThrow(/"galaxy"/);
    expect(() => manager.semaphore("s".repeat(limits.keyBytesMax + 1))).toThrow(/256 bytes/);
  });
});
