import type { Transporter } from "@provost/jobs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Budgets, type BudgetAnswer, type BudgetKey } from "../src/budget/budgets.ts";
import { Store } from "../src/storage/store.ts";
import { stores } from "./stores.ts";

/** Long enough that no test lives to see its end; time passes by the store's offset. */
const windowMs = 3_600_000;
const creates: BudgetKey = { account: "cloud", group: "create" };
const told = { limit: 20, remaining: 20, resetInMs: windowMs };

function asked(host: Budgets, waiter: string): Promise<BudgetAnswer> {
  return host.ask({ ...creates, asker: "people", waiter });
}

describe.each(stores)("budgets of two hosts on $name", (testStore) => {
  let transporters: Transporter[];
  let one: Budgets;
  let other: Budgets;

  beforeAll(async () => {
    const second = await testStore.another();
    await second.start();
    transporters = [await testStore.shared(), second];
    const [first] = transporters;
    await new Store(first!).migrate();
  });
  afterEach(async () => {
    for (const transporter of transporters) transporter.setClockOffset(0);
    for (const table of ["budget", "budget_line"]) await transporters[0]!.sql!.query(`delete from control_${table}`);
  });
  afterAll(async () => {
    await transporters[1]!.stop();
  });

  async function hosts(answer: Parameters<Budgets["heard"]>[1] = told): Promise<void> {
    one = new Budgets(new Store(transporters[0]!));
    other = new Budgets(new Store(transporters[1]!));
    await one.heard(creates, answer);
  }

  function pass(ms: number): void {
    for (const transporter of transporters) transporter.setClockOffset(ms);
  }

  test("C11: whatever the interleaving, two hosts together make no more calls than the limit", async () => {
    await hosts();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? one : other).ask({ ...creates, asker: "people" })),
    );
    expect(answers.filter(({ go }) => go)).toHaveLength(20);
  });

  test("C11: before the first answer two hosts keep to what the provider documents; the answer sets the others free", async () => {
    const bucket = { name: "create", limit: 20, windowMs };
    one = new Budgets(new Store(transporters[0]!));
    other = new Budgets(new Store(transporters[1]!));
    const names = Array.from({ length: 50 }, (_, index) => `in_${String(index).padStart(2, "0")}`);
    const answers = await Promise.all(
      names.map((waiter, index) =>
        (index % 2 === 0 ? one : other).ask({ ...creates, asker: "people", waiter, bucket }),
      ),
    );
    expect(answers.filter(({ go }) => go)).toHaveLength(20);
    // The limit is not known for sure: they come back soon, not after a whole window.
    for (const answer of answers) if (!answer.go) expect(answer.waitMs).toBeLessThanOrEqual(500);
    await other.heard(creates, { limit: 40, remaining: 20, resetInMs: windowMs });
    for (const name of names) await one.ask({ ...creates, asker: "people", waiter: name, bucket });
    expect(await other.list("cloud")).toMatchObject([{ limit: 40, left: 0, waiting: 30 }]);
  });

  test("C11: a provider that answers without a word of a limit has none, whatever is documented", async () => {
    const bucket = { name: "create", limit: 2, windowMs };
    one = new Budgets(new Store(transporters[0]!));
    for (let n = 0; n < 2; n += 1) expect(await one.ask({ ...creates, asker: "people", bucket })).toEqual({ go: true });
    expect(await one.ask({ ...creates, asker: "people", bucket })).toMatchObject({ go: false });
    await one.heard(creates, {});
    for (let n = 0; n < 50; n += 1)
      expect(await one.ask({ ...creates, asker: "people", bucket })).toEqual({ go: true });
    expect((await one.list("cloud"))[0]).not.toHaveProperty("limit");
  });

  test("C11: a fifth is left for people while both hosts sweep", async () => {
    await hosts();
    const sweeps = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        (index % 2 === 0 ? one : other).ask({ ...creates, asker: "background" }),
      ),
    );
    expect(sweeps.filter(({ go }) => go)).toHaveLength(16);
    const people = await Promise.all(Array.from({ length: 8 }, () => other.ask({ ...creates, asker: "people" })));
    expect(people.filter(({ go }) => go)).toHaveLength(4);
  });

  test("C11: who waits has a place by its age, and the oldest go when there is room", async () => {
    await hosts({ ...told, remaining: 0 });
    const names = Array.from({ length: 30 }, (_, index) => `in_${String(index).padStart(2, "0")}`);
    for (const name of names.toReversed()) {
      expect(await asked(name < "in_15" ? one : other, name)).toMatchObject({ go: false, joined: true });
    }
    expect(await other.place(creates, "in_00")).toBe(1);
    expect(await one.place(creates, "in_29")).toBe(30);
    expect(await one.place(creates, "in_99")).toBeUndefined();
    expect(await asked(one, "in_29")).toEqual({ go: false, waitMs: 30_000, place: 30, joined: false });
    const shown = { group: "create", limit: 20, windowMs, left: 0, waiting: 30, resetAt: expect.any(Number) };
    expect(await one.list("cloud")).toEqual([shown]);

    // The window is over: twenty may go.
    pass(windowMs * 1.1);
    for (const name of names) await asked(one, name);
    const later = await Promise.all(names.slice(20).map((name) => other.place(creates, name)));
    expect(later).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("C11: a younger one does not overtake those in the line, nor does what goes on by itself", async () => {
    await hosts({ ...told, remaining: 0 });
    await one.heard(creates, { retryAfterMs: 10_000 });
    for (const name of ["in_00", "in_01"]) await asked(one, name);
    // Two more than stand in the line have room again.
    pass(10_100);
    await one.heard(creates, { ...told, limit: 24, remaining: 4 });
    expect(await asked(other, "in_02")).toEqual({ go: true });
    expect(await asked(other, "in_03")).toEqual({ go: true });
    expect(await asked(other, "in_04")).toMatchObject({ go: false, place: 3 });
    expect(await other.ask({ ...creates, asker: "background" })).toMatchObject({ go: false });
    expect([await asked(one, "in_01"), await asked(other, "in_00")]).toEqual([{ go: true }, { go: true }]);
    expect(await asked(other, "in_04")).toMatchObject({ go: false, place: 1 });
  });

  test("C11: forty that ask one host in one moment, in any order, have the places that they would have one by one", async () => {
    await hosts({ ...told, remaining: 5 });
    const names = Array.from({ length: 40 }, (_, index) => `in_${String((index * 17) % 40).padStart(2, "0")}`);
    const first = await Promise.all(names.map((name) => asked(one, name)));
    expect(first.filter(({ go }) => go)).toHaveLength(5);
    const waiting = names.filter((_, index) => !first[index]!.go).toSorted();
    // Those that ask again, some twice in a batch, keep their places; the line is in order.
    const again = await Promise.all([...waiting, ...waiting.slice(0, 3)].map((name) => asked(one, name)));
    const places = again.map((answer) => (answer.go ? 0 : answer.place));
    expect(places).toEqual([...waiting.map((_, index) => index + 1), 1, 2, 3]);
    expect(again.every((answer) => !answer.go && !answer.joined)).toBe(true);
    expect(await other.list("cloud")).toMatchObject([{ waiting: 35 }]);
    await one.heard(creates, { ...told, limit: 23, remaining: 3 });
    const free = await Promise.all(
      [...waiting.slice(0, 6).toReversed(), undefined].map((waiter) => {
        return waiter === undefined ? one.ask({ ...creates, asker: "people" }) : asked(one, waiter);
      }),
    );
    // Three have room: the three oldest, whoever asks first.
    expect(free.map(({ go }) => go)).toEqual([false, false, false, true, true, true, false]);
    expect(await other.place(creates, waiting[3]!)).toBe(1);
  });

  test("C11: one who never comes back leaves the line, and holds nobody up", async () => {
    await hosts({ ...told, remaining: 0 });
    await asked(one, "in_00");
    expect(await asked(one, "in_01")).toMatchObject({ place: 2 });
    pass(41_000);
    expect(await asked(other, "in_01")).toMatchObject({ place: 1 });
  });

  test("C11: a Retry-After that one host was told stops the other", async () => {
    await hosts();
    await one.heard(creates, { retryAfterMs: 20_000 });
    expect(await asked(other, "in_00")).toMatchObject({ go: false, place: 1 });
    pass(20_100);
    expect(await asked(other, "in_00")).toEqual({ go: true });
  });

  test("C11: what others have used of the account is believed, and a budget of another group is another one", async () => {
    await hosts();
    await other.heard(creates, { ...told, remaining: 1 });
    expect(await asked(one, "in_00")).toEqual({ go: true });
    expect(await asked(one, "in_01")).toMatchObject({ go: false });
    expect(await one.ask({ account: "cloud", group: "collections", asker: "people" })).toEqual({ go: true });
    expect(await one.ask({ account: "next", group: "create", asker: "people" })).toEqual({ go: true });
  });
});
