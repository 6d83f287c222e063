import { describe, expect, it } from "vitest";
import type { NewLogLine } from "../transporters/logs.ts";
import type { MinuteRow } from "../transporters/minutes.ts";
import { Fixture, type TransporterSuite } from "./fixture.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** L15: minutes that managers count, logs of jobs, and what is asked of managers. */
export function watchSuite(suite: TransporterSuite): void {
  describe(`L15 watch: ${suite.name}`, () => {
    const store = new Fixture(suite);

    async function thisMinute(): Promise<number> {
      return Math.floor((await store.transporter.now()) / minuteMs) * minuteMs;
    }

    function row(minute: number, differs: Partial<MinuteRow> = {}): MinuteRow {
      const { queue } = store;
      return {
        minute,
        name: "work",
        queue,
        processed: 1,
        failed: 2,
        cancelled: 3,
        retried: 4,
        waits: "0:1",
        runs: "5:9",
        ...differs,
      };
    }

    async function mine(from: number): Promise<MinuteRow[]> {
      const { rows } = await store.transporter.minutes.read(from);
      return rows.filter(({ queue }) => queue === store.queue);
    }

    it("L15 a minute is what its managers have put last, each its own rows", async () => {
      const minute = await thisMinute();
      const [a, b] = [store.key("a"), store.key("b")];
      await store.transporter.minutes.put(a, [row(minute, { processed: 1 }), row(minute, { name: "other" })]);
      await store.transporter.minutes.put(a, [row(minute, { processed: 7, waits: "0:7" })]);
      await store.transporter.minutes.put(b, [row(minute, { processed: 5 }), row(minute - minuteMs)]);
      expect(await mine(minute)).toEqual([
        row(minute, { name: "other" }),
        row(minute, { processed: 7, waits: "0:7" }),
        row(minute, { processed: 5 }),
      ]);
      expect(await mine(minute - minuteMs)).toHaveLength(4);
    });

    it("L15 a level is how many jobs there are when it is noted; what is older than a day is forgotten then", async () => {
      const minute = await thisMinute();
      const before = await store.transporter.sight.counts();
      await store.enqueue({}, {}, { delayMs: 60_000 });
      await store.transporter.minutes.put(
        store.key("a"),
        [row(minute - dayMs - minuteMs), row(minute - dayMs + 2 * minuteMs)],
        minute,
      );
      const { levels } = await store.transporter.minutes.read(minute);
      const queued = before.reduce((sum, { counts }) => sum + counts.queued, 0);
      expect(levels).toEqual([{ minute, waiting: 0, delayed: 1, queued: queued + 2, inProgress: 0 }]);
      expect((await mine(0)).map((each) => each.minute)).toEqual([minute - dayMs + 2 * minuteMs]);
      store.setClock(2 * dayMs);
      await store.transporter.minutes.put(store.key("a"), [], await thisMinute());
      expect(await mine(0)).toEqual([]);
      expect((await store.transporter.minutes.read(0)).levels).toHaveLength(1);
      store.setClock(0);
    });

    it("L15 a job's log is read in its order, page by page, attempt after attempt", async () => {
      const [id, other] = await store.enqueue({}, {});
      const { logs } = store.transporter;
      const now = await store.transporter.now();
      await logs.add([
        line(id!, 1, { fence: 2, stream: "stderr" }),
        line(id!, 1, { fields: '{"a":1}', agoMs: 5_000 }),
        line(other!, 1),
        line(id!, 2),
      ]);
      // Said twice, after a connection was lost.
      await logs.add([line(id!, 2, { message: "again" })]);
      const all = await logs.read({ jobId: id!, limit: 10 });
      expect(all.map(({ message, fence, stream }) => [message, fence, stream])).toEqual([
        ["line 1", 1, "log"],
        ["line 2", 1, "log"],
        ["line 1", 2, "stderr"],
      ]);
      expect(all[0]).toMatchObject({ fields: '{"a":1}' });
      expect(all[0]!.at).toBeLessThan(now);
      expect(await logs.read({ jobId: id!, after: all[0]!.seq, limit: 1 })).toEqual([all[1]]);
      expect(await logs.read({ jobId: "999999999", limit: 10 })).toEqual([]);
    });

    it("L17 a log goes with its job, and nothing is kept of what comes after", async () => {
      const [id] = await store.enqueue({});
      await store.transporter.logs.add([line(id!, 1)]);
      await store.processReady();
      store.setClock(2 * dayMs);
      await store.transporter.keeping.prune({ processedMs: dayMs, badMs: dayMs }, 100);
      await store.transporter.logs.add([line(id!, 2)]);
      expect(await store.transporter.get([id!])).toEqual([]);
      expect(await store.transporter.logs.read({ jobId: id!, limit: 10 })).toEqual([]);
    });

    it("L15 a manager says how it is, and hears what was asked of it with its next beat", async () => {
      const { sight, leader } = store.transporter;
      const id = store.key("manager");
      const slots = { short: 4, long: 1 };
      const facts = { host: "h", pid: 7, rssBytes: 1_000, slots, running: { short: 1, long: 0 }, quiet: false };
      const beat = { id, names: ["work"], lines: [{ queue: store.queue, lane: "short" as const }], facts };
      expect(await sight.beat(beat, 30_000)).toBe("run");
      expect(await sight.ask(id, "quiet")).toBe(true);
      expect(await sight.beat(beat, 30_000)).toBe("quiet");
      expect((await sight.managers()).find((seen) => seen.id === id)).toMatchObject({
        facts,
        asked: "quiet",
        leads: false,
      });
      await leader.campaign(store.key("seat"), id, 30_000);
      expect((await sight.managers()).find((seen) => seen.id === id)).toMatchObject({ leads: true });
      expect(await sight.ask(store.key("nobody"), "stop")).toBe(false);
      store.setClock(31_000);
      expect(await sight.ask(id, "run")).toBe(false);
      store.setClock(0);
      await sight.leave(id);
      expect(await sight.beat(beat, 30_000)).toBe("run");
      await sight.leave(id);
    });
  });
}

function line(jobId: string, number: number, differs: Partial<NewLogLine> = {}): NewLogLine {
  return { jobId, fence: 1, line: number, agoMs: 0, stream: "log", message: `line ${number}`, ...differs };
}
