import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EventTail } from "../src/live/event-tail.ts";
import { stores } from "./stores.ts";
import { World } from "./world.ts";

interface Line {
  seq: number;
}

function lines(seqs: number[]): Line[] {
  return seqs.map((seq) => ({ seq }));
}

/** A store whose numbers are given out in order and whose commits come as they like. */
class Commits {
  readonly there = new Set<number>();
  given = 0;

  tail(now: () => number): EventTail<Line> {
    return new EventTail<Line>(
      {
        lastSeq: async () => Math.max(0, ...this.there),
        after: async (seq, limit) => lines(this.#after(seq).slice(0, limit)),
        these: async (seqs) => lines(seqs.filter((seq) => this.there.has(seq))),
      },
      now,
    );
  }

  #after(seq: number): number[] {
    return [...this.there].filter((each) => each > seq).toSorted((a, b) => a - b);
  }

  resume(mark: number): number[] {
    return this.#after(mark);
  }
}

async function drained(tail: EventTail<Line>): Promise<number[]> {
  const all: number[] = [];
  for (;;) {
    const more = await tail.read();
    if (more.length === 0) return all;
    all.push(...more.map(({ seq }) => seq));
  }
}

describe("C14: nothing is lost from a sequence that is committed out of order", () => {
  test("whatever the order of commits, every line is read once, and whoever goes on from any mark has every line", async () => {
    const act = fc.oneof(
      { weight: 3, arbitrary: fc.record({ do: fc.constant("begin" as const) }) },
      { weight: 3, arbitrary: fc.record({ do: fc.constant("commit" as const), which: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("undo" as const), which: fc.nat(20) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("read" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("another server" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 80 }), async (acts) => {
        const store = new Commits();
        const open: number[] = [];
        let tail = store.tail(() => 0);
        await tail.start();
        const got = new Set<number>();
        const marks: { mark: number; had: Set<number> }[] = [];
        for (const each of acts) {
          if (each.do === "begin") open.push((store.given += 1));
          else if (each.do === "commit" && open.length > 0) {
            const [seq] = open.splice(each.which % open.length, 1);
            if (seq !== undefined) store.there.add(seq);
          } else if (each.do === "undo" && open.length > 0) open.splice(each.which % open.length, 1);
          else if (each.do === "read") {
            for (const seq of await drained(tail)) {
              expect(got.has(seq), `${seq} twice`).toBe(false);
              got.add(seq);
            }
            marks.push({ mark: tail.mark, had: new Set(got) });
          } else if (each.do === "another server") {
            const { mark } = tail;
            for (const seq of await drained(tail)) got.add(seq);
            tail = store.tail(() => 0);
            await tail.start();
            for (const seq of store.resume(mark)) got.add(seq);
          }
        }
        for (const seq of open) store.there.add(seq);
        for (const seq of await drained(tail)) got.add(seq);
        expect(got).toEqual(store.there);
        for (const { mark, had } of marks) expect(new Set([...had, ...store.resume(mark)])).toEqual(store.there);
      }),
      { numRuns: 300 },
    );
  });

  test("what was rolled back is waited for no longer than a transaction can live; the mark goes on then", async () => {
    let now = 0;
    const store = new Commits();
    const tail = store.tail(() => now);
    await tail.start();
    store.there.add(1).add(3);
    expect(await drained(tail)).toEqual([1, 3]);
    expect([tail.mark, tail.last]).toEqual([1, 3]);
    now = 29_999;
    await tail.read();
    expect(tail.mark).toBe(1);
    now = 30_000;
    await tail.read();
    expect(tail.mark).toBe(3);
  });

  test("L14: a jump of the sequence costs ten thousand numbers at most", async () => {
    const store = new Commits();
    const tail = store.tail(() => 0);
    await tail.start();
    store.there.add(1).add(5_000_000);
    expect(await drained(tail)).toEqual([1, 5_000_000]);
    expect(tail.mark).toBe(5_000_000 - 10_001);
  });
});

describe.each(stores)("the tail on $name", (store) => {
  let world: World;
  beforeAll(async () => {
    world = await World.start({ store });
  });
  afterAll(() => world.stop());

  test("C14: an event that is committed late comes late, and never not", async () => {
    const instance = await world.deploy("late-1");
    await world.until(instance.id, "provisioned");
    const insert = (message: string): string =>
      `insert into control_instance_event (instance_id, at, kind, message) values ('${instance.id}', 1, 'note', '${message}')`;
    const tail = world.control.live.tail();
    await tail.start();
    const held = Promise.withResolvers<undefined>();
    const begun = Promise.withResolvers<undefined>();
    const slow = world.transporter.sql?.transaction(async (tx) => {
      await tx.query(insert("slow"));
      begun.resolve(undefined);
      await held.promise;
    });
    // Where writers take turns the quick one waits for the slow one.
    await begun.promise;
    const quick = world.sql(insert("quick"));
    if (store.name === "PostgreSQL") {
      await quick;
      expect((await tail.read()).map(({ message }) => message)).toEqual(["quick"]);
      expect(tail.mark).toBe(tail.last - 2);
      held.resolve(undefined);
      await slow;
      expect((await tail.read()).map(({ message }) => message)).toEqual(["slow"]);
    } else {
      held.resolve(undefined);
      await Promise.all([slow, quick]);
      expect((await tail.read()).map(({ message }) => message)).toEqual(["slow", "quick"]);
    }
    expect(tail.mark).toBe(tail.last);
    const [change] = await world.control.live.after(tail.last - 1, 9);
    expect(change).toMatchObject({ instanceId: instance.id, name: "late-1", status: "provisioned", kind: "note" });
  });
});
