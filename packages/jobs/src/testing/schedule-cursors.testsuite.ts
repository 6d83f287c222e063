import { expect, it } from "vitest";
import { limits } from "../core/limits.ts";
import { type Clockwork, lostOutcome, processed } from "./clockwork.ts";
import { failed, type Fixture, one } from "./fixture.ts";

/** Part of the schedules' suite. */
export function handingCursors(store: Fixture, clock: Clockwork): void {
  it("L13 the cursor is handed from run to run, committed with the run's end", async () => {
    await clock.define();
    await clock.tick(1, processed({ page: 2 }));
    expect((await clock.get()).cursors).toEqual(['{"page":2}']);
    const second = await clock.tick(2, processed([3]));
    expect(JSON.parse(second.input)).toMatchObject({ cursor: { page: 2 } });
    const third = await clock.tick(3, processed());
    expect(JSON.parse(third.input)).toMatchObject({ cursor: [3] });
    // A run that returned nothing leaves it as it was; null is a cursor like any other.
    await clock.tick(4, processed(null));
    expect((await clock.get()).cursors).toEqual(["null"]);
    expect((await clock.ticks()).map(({ cursorBefore, cursorAfter }) => [cursorBefore, cursorAfter])).toEqual([
      ["[3]", "null"],
      ["[3]", "[3]"],
      ['{"page":2}', "[3]"],
      [undefined, '{"page":2}'],
    ]);
  });

  it("L13 a cursor is any JSON, and comes back as it was", async () => {
    const cursor = { text: 'NUL \0, "quotes", \\ and \u2028 é 💧', big: 1e300, list: [null, true, { "": [] }] };
    await clock.define();
    await clock.tick(1, processed(cursor));
    const next = await clock.tick(2, processed("x".repeat(limits.cursorBytesMax - 2)));
    expect(JSON.parse(next.input)).toMatchObject({ cursor });
    const last = await clock.tick(3, processed(0));
    expect(JSON.parse(last.input).cursor).toHaveLength(limits.cursorBytesMax - 2);
  });

  it("L13 a run that fails, is cancelled or lost leaves the cursor; the next tick comes on time", async () => {
    await clock.define();
    await clock.tick(1, processed("kept"));
    await clock.tick(2, failed());
    await clock.tick(3, { kind: "cancelled", failure: { code: "cancelled", message: "by the test" } });
    await clock.pass(4);
    await clock.fire();
    const lost = one(await clock.claim());
    await clock.pass(4.5);
    expect(await store.settle(lost, lostOutcome, { expiredOnly: true })).toEqual({
      state: "applied",
    });
    const next = await clock.tick(5, processed("moved"));
    expect(JSON.parse(next.input)).toMatchObject({ cursor: "kept" });
    expect(await clock.outcomes()).toEqual(["processed", "failed", "cancelled", "failed", "processed"]);
    expect((await clock.get()).cursors).toEqual(['"moved"']);
  });

  it("L13 an end that is refused moves neither cursor nor log", async () => {
    await clock.define();
    await clock.pass(1);
    await clock.fire();
    const run = one(await clock.claim());
    expect(await store.settle({ ...run, fence: run.fence + 1 }, processed("forged"))).toMatchObject({ why: "fence" });
    expect(await clock.outcomes()).toEqual(["fired"]);
    expect((await clock.get()).cursors).toEqual([undefined]);
  });

  it("L13 of two overlapping runs that end out of order the later fired one's cursor stays", async () => {
    await clock.define({ runsMax: 2 });
    await clock.pass(1);
    await clock.fire();
    await clock.pass(2);
    await clock.fire();
    const [first, second] = await clock.claim();
    await clock.end(second!, processed("second"));
    await clock.end(first!, processed("first"));
    expect((await clock.get()).cursors).toEqual(['"second"']);
    expect((await clock.ticks()).map(({ cursorAfter }) => cursorAfter)).toEqual(['"second"', '"first"']);
  });

  it("L13 a later overlapping run that fails or returns nothing does not take back what an earlier one has handed on", async () => {
    await clock.define({ runsMax: 3 });
    for (const hours of [1, 2, 3]) {
      await clock.pass(hours);
      await clock.fire();
    }
    const [first, second, third] = await clock.claim();
    await clock.end(first!, processed("first"));
    await clock.end(second!, failed());
    await clock.end(third!, processed());
    expect((await clock.get()).cursors).toEqual(['"first"']);
  });

  it("L13 L4 a run that was put off goes on with its cursor, and is the same tick", async () => {
    await clock.define();
    await clock.pass(1);
    await clock.fire();
    await clock.end(one(await clock.claim()), { kind: "defer", delayMs: 0 });
    expect(await clock.outcomes()).toEqual(["fired"]);
    await clock.end(one(await clock.claim()), processed("late"));
    expect(await clock.outcomes()).toEqual(["processed"]);
    expect((await clock.get()).cursors).toEqual(['"late"']);
  });

  it("L10 L13 a failed run that is retried by hand is the same tick again, and moves the cursor unless a later run has", async () => {
    await clock.define();
    const first = await clock.tick(1, failed());
    await store.transporter.amend([first.id], { kind: "retry" });
    expect(await clock.outcomes()).toEqual(["fired"]);
    await clock.end(one(await clock.claim()), processed("by hand"));
    expect((await clock.get()).cursors).toEqual(['"by hand"']);
    const second = await clock.tick(2, failed());
    await clock.tick(3, processed("later"));
    await store.transporter.amend([second.id], { kind: "retry" });
    await clock.end(one(await clock.claim()), processed("too late"));
    expect((await clock.get()).cursors).toEqual(['"later"']);
  });
}
