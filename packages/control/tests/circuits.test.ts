import type { Transporter } from "@provost/jobs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Traffic } from "../src/accounts/traffic.ts";
import { Budgets } from "../src/budget/budgets.ts";
import { BudgetWait } from "../src/budget/budget-wait.ts";
import { Brakes } from "../src/circuit/brakes.ts";
import { CircuitOpen } from "../src/circuit/circuit-open.ts";
import { Circuits } from "../src/circuit/circuits.ts";
import { defaultTimings } from "../src/index.ts";
import { ProviderError, type ProviderErrorFields } from "../src/providers/provider-error.ts";
import { Store } from "../src/storage/store.ts";
import { stores } from "./stores.ts";

const rules = { openMs: 5_000, openMaxMs: 60_000, probeMs: 60_000, evidenceMs: 0 };
const east = { account: "cloud", region: "us-east" };
const down = { code: "provider_unreachable", message: "Cannot reach it." };

function providerError(fields: Partial<ProviderErrorFields>): ProviderError {
  return new ProviderError({ code: "provider_unreachable", effect: "none", message: "Cannot reach it.", ...fields });
}

describe.each(stores)("circuits of two hosts on $name", (testStore) => {
  let transporters: Transporter[];
  let one: Circuits;
  let other: Circuits;
  let store: Store;

  beforeAll(async () => {
    const second = await testStore.another();
    await second.start();
    transporters = [await testStore.shared(), second];
    store = new Store(transporters[0]!);
    await store.migrate();
    one = new Circuits(store, rules);
    other = new Circuits(new Store(second), rules);
  });
  afterEach(async () => {
    pass(0);
    const tables = ["budget", "budget_line", "circuit", "outage", "unwell", "brake"];
    for (const table of tables) await transporters[0]!.sql!.query(`delete from control_${table}`);
  });
  afterAll(async () => {
    await transporters[1]!.stop();
  });

  function pass(ms: number): void {
    for (const transporter of transporters) transporter.setClockOffset(ms);
  }

  async function open(): Promise<void> {
    for (let n = 0; n < 8; n += 1) await (n % 2 === 0 ? one : other).failed(east, down);
  }

  test("C12: what two hosts meet opens one circuit for both, of that region alone, and it is shown with its reason", async () => {
    await open();
    expect(await other.admit(east)).toMatchObject({ go: false });
    expect(await one.pauseMs(await one.read(east))).toBeGreaterThan(0);
    expect(await one.admit({ ...east, region: "eu-west" })).toEqual({ go: true });
    const [view] = await other.list();
    expect(view).toMatchObject({ ...east, state: "open", lastError: { code: "provider_unreachable" } });
    expect(view!.since).toBeLessThanOrEqual(view!.lastError!.at);
  });

  test("C12: of forty that ask on two hosts one probes; what it finds closes the circuit for all", async () => {
    await open();
    pass(5_100);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? one : other).admit(east)),
    );
    const probes = answers.filter(({ go }) => go);
    expect(probes).toEqual([{ go: true, probe: 1 }]);
    expect(await one.list()).toMatchObject([{ state: "half-open" }]);
    await other.succeeded(east, { probe: 1 });
    expect(await one.admit(east)).toEqual({ go: true });
    expect(await one.list()).toEqual([]);
  });

  test("C12: a probe whose host died is given up, and another goes; its late answer counts for nothing", async () => {
    await open();
    pass(5_100);
    expect(await one.admit(east)).toEqual({ go: true, probe: 1 });
    pass(65_200);
    expect(await other.admit(east)).toEqual({ go: true, probe: 2 });
    await one.succeeded(east, { probe: 1 });
    expect(await one.admit(east)).toMatchObject({ go: false });
    await other.failed(east, down, 2);
    const [view] = await one.list();
    expect(view).toMatchObject({ state: "open" });
  });

  test("C7: the clock stands still from the first failure until the provider answers, on every host", async () => {
    const began = await store.now();
    await open();
    pass(600_000);
    const during = await store.now();
    expect(await other.standstillMs(east, began - 1_000, during)).toBeGreaterThan(599_000);
    const admission = await one.admit(east);
    if (admission.go) await one.succeeded(east, { probe: admission.probe });
    const ended = await store.now();
    pass(1_200_000);
    const stood = await other.standstillMs(east, began - 1_000, await store.now());
    expect(stood).toBeGreaterThan(599_000);
    expect(stood).toBeLessThanOrEqual(ended - began);
    await one.prune(ended + 8 * 24 * 3_600_000);
    expect(await other.standstillMs(east, began - 1_000, await store.now())).toBe(0);
  });

  test("C12: calls are not made while it is open; refusals and our own ends do not open it", async () => {
    const traffic = new Traffic({ account: "cloud", budgets: new Budgets(store), circuits: one });
    let made = 0;
    const failing = (error: ProviderError, signal?: AbortSignal) =>
      traffic.run(
        async () => {
          made += 1;
          throw error;
        },
        signal,
        { region: "us-east" },
      );
    const rejected = providerError({ code: "provider_rejected", httpStatus: 400 });
    const cutOff = providerError({ code: "provider_outcome_unknown" });
    for (let n = 0; n < 10; n += 1) {
      await expect(failing(rejected)).rejects.toBe(rejected);
      await expect(failing(cutOff, AbortSignal.abort())).rejects.toBe(cutOff);
    }
    expect(await one.list()).toEqual([]);
    made = 0;
    const unanswered = providerError({ code: "provider_outcome_unknown", httpStatus: 503 });
    for (let n = 0; n < 8; n += 1) await expect(failing(unanswered)).rejects.toBe(unanswered);
    await expect(failing(unanswered)).rejects.toBeInstanceOf(CircuitOpen);
    await expect(failing(unanswered)).rejects.toMatchObject({ effect: "none", code: "provider_unreachable" });
    expect(made).toBe(8);
    pass(5_100);
    expect(await traffic.run(async () => "up", undefined, { region: "us-east" })).toBe("up");
    expect(await one.list()).toEqual([]);
  });

  test("C12: thirty calls at once of which one in three fails are no outage, though all began on a clean circuit", async () => {
    const traffic = new Traffic({ account: "cloud", budgets: new Budgets(store), circuits: one });
    const unanswered = providerError({ code: "provider_outcome_unknown", httpStatus: 503 });
    const allHaveBegun = Promise.withResolvers<void>();
    let begun = 0;
    const call = (index: number) =>
      traffic.run(
        async () => {
          begun += 1;
          if (begun === 30) allHaveBegun.resolve();
          await allHaveBegun.promise;
          if (index % 3 === 0) throw unanswered;
        },
        undefined,
        { region: "us-east" },
      );
    const ends = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => call(index)));
    expect(ends.filter(({ status }) => status === "rejected")).toHaveLength(10);
    expect((await one.list()).map(({ state }) => state)).not.toContain("open");
  });

  test("C11: what the answers say of the budget is kept, a 429's pause too, and the next call waits without being made", async () => {
    const budgets = new Budgets(store);
    const buckets = [{ name: "create", limit: 20, windowMs: 15_000 }];
    const traffic = new Traffic({ account: "cloud", budgets, circuits: one, buckets });
    await traffic.run(
      async (call) => {
        // Near the end of the provider's window: its length is known from the description.
        call.onRate?.({ bucket: "create", refused: false, limit: 20, remaining: 19, resetInMs: 500 });
        call.onRate?.({ bucket: "collections", refused: false, limit: 200, remaining: 100, resetInMs: 30_000 });
      },
      undefined,
      { group: "create" },
    );
    expect(await budgets.list("cloud")).toMatchObject([
      { group: "collections", limit: 200, windowMs: 60_000, left: 100 },
      { group: "create", limit: 20, windowMs: 15_000, left: 19 },
    ]);
    const full = providerError({ code: "provider_rate_limited", httpStatus: 429, retryAfterMs: 7_000 });
    await expect(traffic.run(() => Promise.reject(full), undefined, { group: "create" })).rejects.toBe(full);
    const waits = traffic.run(() => Promise.reject(new TypeError("it was made")), undefined, {
      group: "create",
      waiter: "in_00",
    });
    const wait = await waits.catch((error: unknown) => error);
    expect(wait).toBeInstanceOf(BudgetWait);
    expect(wait).toMatchObject({ place: 1, joined: true, code: "provider_rate_limited" });
    expect(wait instanceof BudgetWait && wait.waitMs <= 7_000 && wait.waitMs > 0).toBe(true);
  });

  test("C12: when too many look unwell at once acting on it stops on every host, and ends by itself", async () => {
    const told: string[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (_: object, message: string) => void told.push(message) };
    const brakes = transporters.map((transporter) => {
      return new Brakes({ store: new Store(transporter), timings: defaultTimings, log });
    });
    for (let n = 0; n < 9; n += 1) expect(await brakes[n % 2]!.mayAct("cloud", [`in_${n}`])).toBe(true);
    expect(await brakes[1]!.mayAct("cloud", ["in_9"])).toBe(false);
    expect(await brakes[0]!.mayAct("cloud", ["in_8"])).toBe(false);
    expect(await brakes[0]!.mayAct("next", ["in_10"])).toBe(true);
    expect(await brakes[0]!.list()).toMatchObject([{ account: "cloud" }]);
    expect(told).toHaveLength(1);
    // Still as many when the hold is over: C7 goes on, and nobody is told a second time.
    pass(defaultTimings.provisionMaxMs - 1_000);
    const all = Array.from({ length: 10 }, (_, n) => `in_${n}`);
    expect(await brakes[0]!.mayAct("cloud", all)).toBe(false);
    pass(defaultTimings.provisionMaxMs + 5_000);
    expect(await brakes[1]!.mayAct("cloud", all)).toBe(true);
    expect(told).toHaveLength(1);
    // Only one is seen again: the others are well, or were seen to.
    pass(2 * defaultTimings.provisionMaxMs + 6_000);
    expect(await brakes[0]!.mayAct("cloud", ["in_8"])).toBe(true);
    expect(await brakes[0]!.list()).toEqual([]);
  });
});
