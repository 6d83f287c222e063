import { assert, asyncProperty, constantFrom, integer, record, array } from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { ProviderInstance } from "../src/providers/provider.ts";
import { InstanceRecords } from "../src/instances/records.ts";
import { Store } from "../src/storage/store.ts";
import { known, lockReadings, selectKnown, stillNew, writeReadings } from "../src/sweeps/observations.ts";
import { firstKey, lastKey } from "../src/sweeps/order.ts";
import { writePage } from "../src/sweeps/page-writer.ts";
import { SweepBook } from "../src/sweeps/sweep-book.ts";
import { fleetDb } from "../src/sweeps/tables.ts";
import { knownInstances } from "./fleet.ts";
import { stores } from "./stores.ts";
import { World } from "./world.ts";

/** A reading of the one instance: what the cloud showed at `at`, and how it comes in. */
interface Arrival {
  at: number;
  by: "page" | "look" | "task";
}

/** What the cloud shows at an instant: it changes now and then. */
function truth(at: number): "running" | "stopped" {
  return Math.floor(at / 7) % 2 === 0 ? "running" : "stopped";
}

function seen(at: number): ProviderInstance {
  const status = truth(at);
  return {
    id: "100",
    name: "fleet-100",
    status,
    statusText: status,
    region: "us-east",
    type: "g6-nanode-1",
    ipv4: [],
    ipv6: [],
  };
}

describe.each(stores)("readings on $name", (store) => {
  let world: World | undefined;

  afterEach(async () => {
    await world?.stop();
    world = undefined;
  });

  test("C10: whatever order pages, looks and tasks' own looks arrive in, the newest reading stands", async () => {
    world = await World.start({ store });
    const [id = ""] = await knownInstances(world, [100]);
    const own = new Store(world.transporter);
    const book = new SweepBook(own);
    const records = new InstanceRecords(own);
    await book.known("sandbox", 0);

    const page = async (at: number, version: number, sweep: number): Promise<void> => {
      await writePage(
        own,
        {
          account: "sandbox",
          sweep,
          line: { line: 0, cursor: null, from_key: firstKey, until_key: lastKey, version },
          page: { items: [seen(at)] },
          at,
          tookMs: 1,
          pageMs: 1,
          nextAt: at,
          ordered: true,
          deployment: "d-test",
        },
        { vanishGraceMs: 60_000 },
      );
    };
    const look = async (at: number): Promise<void> => {
      // Read long before its answer came.
      const rows = await selectKnown(fleetDb(own), "sandbox").execute();
      await own.write(async (write) => {
        await lockReadings(write, "sandbox");
        const looks = rows.map((row) => ({ row: known(row), seen: seen(at), at }));
        await writeReadings(write, "look", await stillNew(write, "sandbox", looks));
      });
    };

    let sweep = 0;
    await assert(
      asyncProperty(
        array(record<Arrival>({ at: integer({ min: 1, max: 100 }), by: constantFrom("page", "look", "task") }), {
          minLength: 1,
          maxLength: 8,
        }),
        async (arrivals) => {
          await world!.sql(
            `update control_instance set observed_at = null, observed_status = null, observed_text = null, status = 'running' where id = '${id}'`,
          );
          await world!.sql("delete from control_sweep_page");
          // Pages of one line are asked for one after the other; a page that comes after a newer one has lost its place.
          let newestPage = 0;
          for (const { at, by } of arrivals) {
            if (by === "look") await look(at);
            if (by === "task") await records.observed(id, seen(at), at);
            if (by !== "page") continue;
            sweep += 1;
            await world!.sql(`update control_sweep set number = ${sweep}, state = 'running', errors = 0`);
            await world!.sql("delete from control_sweep_line");
            await world!
              .sql(`insert into control_sweep_line (account, line, sweep, from_key, until_key, next_at, done, version)
              values ('sandbox', 0, ${sweep}, '', '${lastKey}', 0, 0, 5)`);
            await page(at, at > newestPage ? 5 : 4, sweep);
            newestPage = Math.max(newestPage, at);
          }
          const newest = Math.max(...arrivals.map(({ at }) => at));
          const [row] = await world!.sql(`select observed_status, status from control_instance where id = '${id}'`);
          expect(row?.["observed_status"]).toBe(truth(newest));
        },
      ),
      { numRuns: store.name === "SQLite" ? 150 : 60 },
    );
  }, 60_000);

  test("C10: two sweepers with one page: only the first is written", async () => {
    world = await World.start({ store });
    await knownInstances(world, [100]);
    const own = new Store(world.transporter);
    const book = new SweepBook(own);
    const before = await book.known("sandbox", 0);
    await book.begin(before, { lines: 1, ends: [], paceMs: 0 }, 1);
    const line = (await book.line("sandbox", 0))!;
    const read = (at: number) =>
      writePage(
        own,
        {
          account: "sandbox",
          sweep: 1,
          line,
          page: { items: [seen(at)], next: "100" },
          at,
          tookMs: 1,
          pageMs: 1,
          nextAt: at,
          ordered: true,
          deployment: "d-test",
        },
        { vanishGraceMs: 60_000 },
      );
    const ends = await Promise.all([read(3), read(9), read(5)]);
    expect(ends.map(({ end }) => end).toSorted()).toEqual(["lost", "lost", "next"]);
    const [row] = await world.sql("select pages, seen from control_sweep");
    expect([Number(row?.["pages"]), Number(row?.["seen"])]).toEqual([1, 1]);
  });

  test("C10: where ids have no order, what no page of a complete sweep has shown is absent, and only that", async () => {
    world = await World.start({ store });
    await knownInstances(world, [100, 101, 102]);
    const own = new Store(world.transporter);
    const book = new SweepBook(own);
    await book.begin(await book.known("sandbox", 0), { lines: 1, ends: [], paceMs: 0 }, 100_000);
    for (const [shown, next] of [
      ["100", "page-2"],
      ["101", undefined],
    ] as const) {
      const line = (await book.line("sandbox", 0))!;
      const page = { items: [{ ...seen(1), id: shown }], ...(next === undefined ? {} : { next }) };
      await writePage(
        own,
        {
          account: "sandbox",
          sweep: 1,
          line,
          page,
          at: 100_001,
          tookMs: 1,
          pageMs: 1,
          nextAt: 1,
          ordered: false,
          deployment: "d-test",
        },
        { vanishGraceMs: 60_000 },
      );
    }
    const rows = await world.sql(
      "select provider_id, absent_sweep, observed_at from control_instance order by provider_id",
    );
    expect(rows.map((row) => [row["provider_id"], row["absent_sweep"] !== null, Number(row["observed_at"])])).toEqual([
      ["100", false, 100_001],
      ["101", false, 100_001],
      ["102", true, 0],
    ]);
    expect((await book.read("sandbox"))?.state).toBe("confirming");
  });
});
