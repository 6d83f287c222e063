import { array, assert, constantFrom, integer, oneof, property, record as fields, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { assemble } from "../src/assembly.ts";
import { catalog } from "../src/catalog/catalog.ts";
import { totalMb } from "../src/disks/disks.ts";
import { LinodeApiError } from "../src/errors.ts";
import type { InstanceRecord } from "../src/instances/record.ts";
import { settingsOf } from "../src/options.ts";
import { TOKEN } from "./linode-client.ts";
import { ManualClock } from "./manual-clock.ts";

const ACTS = [
  "create",
  "boot",
  "reboot",
  "shutdown",
  "delete",
  "resize",
  "rebuild",
  "snapshot",
  "restore",
  "cancel",
  "image",
  "fail",
  "vanish",
] as const;
type Act = (typeof ACTS)[number];
const TYPES = ["g6-nanode-1", "g6-standard-1", "g6-standard-2"] as const;

const step = oneof(
  { weight: 3, arbitrary: tuple(constantFrom(...ACTS), integer({ min: 0, max: 5 }), constantFrom(...TYPES)) },
  { weight: 1, arbitrary: fields({ waitMs: integer({ min: 0, max: 700 }) }) },
);

/** An account without its HTTP face, driven by hand. */
class Account {
  readonly clock = new ManualClock();
  readonly parts = assemble(settingsOf({ tokens: [TOKEN], clock: this.clock, bootMs: 1_000 }));
  created = 0;

  get all(): readonly InstanceRecord[] {
    return this.parts.store.all;
  }

  /** Does it, or is refused in Linode's words; anything else is a failure of the sandbox. */
  act(act: Act, which: number, typeId: string): void {
    try {
      this.#act(act, which, typeId);
    } catch (error) {
      if (!(error instanceof LinodeApiError)) throw error;
      expect(error.httpStatus).toBe(400);
    }
  }

  #act(act: Act, which: number, typeId: string): void {
    const { cloud, backups, images, faults, population } = this.parts;
    const type = catalog.type(typeId) ?? expect.fail(typeId);
    if (act === "create") {
      const others = { group: "", tags: [], backups: true, booted: true, privateIp: false, userData: undefined };
      cloud.create({ region: "us-east", type, image: "linode/debian12", label: undefined, ...others });
      this.created++;
      return;
    }
    if (act === "fail") faults.add({ kind: "task_failed" });
    const record = this.all[which % Math.max(1, this.all.length)];
    if (record === undefined || act === "fail") return;
    if (act === "vanish") population.vanish({ ids: [record.id] });
    else if (act === "resize") cloud.resize(record.id, { type, migration: "cold", growsDisk: which % 2 === 0 });
    else if (act === "rebuild") {
      cloud.rebuild(record.id, { image: "linode/debian13", type, booted: which > 2, userData: undefined });
    } else if (act === "snapshot") backups.snapshot(record, "snap");
    else if (act === "cancel") backups.cancel(record);
    else if (act === "restore") {
      if (record.snapshots.length > 0)
        backups.restore(record, this.#backupId(record), { linodeId: record.id, overwrite: true });
    } else if (act === "image") {
      images.create({ diskId: this.#diskId(record), label: "gold", description: null, tags: [], cloudInit: true });
    } else cloud.signal(record.id, act);
  }

  #backupId(record: InstanceRecord): number {
    return 300_000_000 + (record.id - 60_000_001) * 16 + (record.snapshots[0]?.ordinal ?? 0);
  }

  #diskId(record: InstanceRecord): number {
    return 100_000_000 + (record.id - 60_000_001) * 16 + (record.disks[0]?.ordinal ?? 0);
  }
}

describe("any life (C9, C10, C16)", () => {
  test("whatever is asked, refused or fails: it comes to rest, and the feed has told of all of it", () => {
    assert(
      property(array(step, { maxLength: 60 }), (steps) => {
        const account = new Account();
        for (const one of steps) {
          if ("waitMs" in one) account.clock.advance(one.waitMs);
          else account.act(...one);
        }
        account.clock.advance(10_000);
        const { events, counters } = account.parts;
        expect(events.all.filter(({ status }) => status === "started")).toEqual([]);
        const ids = events.all.map(({ id }) => id);
        expect(ids).toEqual(ids.map((_, n) => (ids[0] ?? 0) + n));
        for (const { status, task, dueMs, disks, type, snapshots } of account.all) {
          expect(["running", "offline"]).toContain(status);
          expect({ task, dueMs }).toEqual({ task: undefined, dueMs: 0 });
          expect(totalMb(disks)).toBeLessThanOrEqual(type.disk);
          expect(snapshots.filter(({ finishedMs }) => finishedMs === 0)).toEqual([]);
        }
        expect(new Set(account.all.map(({ addressIndex }) => addressIndex)).size).toBe(account.all.length);
        const ended = events.all.filter(({ action, status }) => action === "linode_delete" && status === "finished");
        expect(account.all.length).toBe(account.created - counters.vanished - ended.length);
        for (const part of account.parts.closers) part.close();
      }),
      { numRuns: 150 },
    );
  });
});
