import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ProviderEvent } from "../event-feed.ts";
import type { CreateSpec, Owner, Provider, ProviderInstance, ProviderStatus } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";
import type { RateReading } from "../rate-budget.ts";
import { refusal } from "./refusal.ts";

/** A driver with a cloud to try it on. */
export interface ProviderUnderTest {
  provider: Provider;
  /** A choice that the cloud offers. */
  choice: Pick<CreateSpec, "region" | "type" | "image">;
  /** A type to resize to. */
  otherType: string;
  /** Longest wait for a state to be reached, in ms. */
  stateMsMax: number;
  /** Called once at the end; instances that the suite made are gone by then. */
  dispose(): Promise<void>;
}

/**
 * What every driver must keep (C1, C4): called once in each driver's test file. Makes up to four instances with names of
 * its own, and destroys them.
 */
export function providerSuite(name: string, open: () => Promise<ProviderUnderTest>): void {
  describe(`provider contract: ${name}`, { timeout: 120_000 }, () => {
    let subject: ProviderUnderTest;
    let provider: Provider;
    const run = randomBytes(4).toString("hex");
    const owner: Owner = { deployment: `d-${run}`, instance: `in_${run}` };
    const made = new Set<string>();
    const images = new Set<string>();
    const readings: RateReading[] = [];
    /** What calls bring along: every answer's rate reading is kept. */
    const call = { onRate: (reading: RateReading) => void readings.push(reading) };
    let main: ProviderInstance;
    let second: ProviderInstance;

    beforeAll(async () => {
      subject = await open();
      provider = subject.provider;
    });
    afterAll(async () => {
      for (const id of images) await provider.deleteImage(id, {});
      for (const id of made) await gone(id);
      await provider.close();
      await provider.close();
      await subject.dispose();
    });

    function spec(suffix: string, more: Partial<CreateSpec> = {}): CreateSpec {
      return {
        name: `suite-${run}-${suffix}`,
        owner,
        ...subject.choice,
        sshKeys: [],
        userData: "#!/bin/sh\ntrue\n",
        backups: true,
        ...(provider.capabilities.rootPassword ? { rootPassword: `Suite-${run}_x7` } : {}),
        ...more,
      };
    }

    async function create(wanted: CreateSpec): Promise<ProviderInstance> {
      const instance = await provider.create(wanted, {});
      made.add(instance.id);
      return instance;
    }

    async function reaches(id: string, status: ProviderStatus): Promise<ProviderInstance> {
      return vi.waitFor(
        async () => {
          const seen = await provider.get(id, {});
          expect(seen?.status).toBe(status);
          return seen!;
        },
        { timeout: subject.stateMsMax, interval: 50 },
      );
    }

    /** A change meets another task for a moment: as the flows do, it is asked for again. */
    async function accepted<T>(change: () => Promise<T>): Promise<T> {
      return vi.waitFor(change, { timeout: subject.stateMsMax, interval: 100 });
    }

    async function stopped(id: string): Promise<void> {
      await accepted(() => provider.shutdown(id, {}));
      await reaches(id, "stopped");
    }

    async function booted(id: string): Promise<void> {
      await accepted(() => provider.boot(id, {}));
      await reaches(id, "running");
    }

    async function gone(id: string): Promise<void> {
      await vi.waitFor(
        async () => {
          await provider.destroy(id, {});
          expect(await provider.get(id, {})).toBeUndefined();
        },
        { timeout: subject.stateMsMax, interval: 50 },
      );
    }

    test("C1: an account that works passes its check, and offers what is chosen", async () => {
      await provider.check({});
      has(await provider.regions({}), subject.choice.region);
      has(await provider.types({}), subject.choice.type);
      has(await provider.images({}), subject.choice.image);
      for (const type of await provider.types({})) {
        expect(type.vcpus).toBeGreaterThan(0);
        expect(type.memoryMb).toBeGreaterThan(0);
      }
    });

    test("C4: a created instance is met again by id, and by name and owner; not by another's", async () => {
      main = await create(spec("main"));
      expect(main).toMatchObject({ name: spec("main").name, owner });
      expect(await provider.find({ name: main.name, owner }, {})).toMatchObject({ id: main.id, owner });
      expect(await provider.get(main.id, {})).toMatchObject({ id: main.id, name: main.name, owner });
      const others = [
        { deployment: "d-other", instance: owner.instance },
        { deployment: owner.deployment, instance: "in_other" },
      ];
      for (const other of others) expect(await provider.find({ name: main.name, owner: other }, {})).toBeUndefined();
      expect(await provider.find({ name: `suite-${run}`, owner }, {})).toBeUndefined();
    });

    test("C4: a second instance of a name is refused where names are unique, and nothing was done", async (context) => {
      if (!provider.capabilities.uniqueNames) context.skip("names are not unique at this provider");
      const error = await refusal(provider.create(spec("main"), {}));
      expect(error).toMatchObject({ code: "provider_name_taken", effect: "none" });
    });

    test.each([
      ["image", "provider_image_not_found"],
      ["type", "provider_type_not_found"],
      ["region", "provider_region_not_found"],
    ])("C7: a %s that does not exist is told as %s, and nothing was done", async (field, code) => {
      const error = await refusal(create(spec(`no-${field}`, { [field]: "no-such-thing" })));
      expect(error).toMatchObject({ code, effect: "none" });
      expect(await provider.find({ name: spec(`no-${field}`).name, owner }, {})).toBeUndefined();
    });

    test("C5: it comes to run, booted where the driver says so, and has an address", async () => {
      if (provider.capabilities.bootAfterCreate) {
        await reaches(main.id, "stopped");
        await provider.boot(main.id, {});
      }
      await reaches(main.id, "running");
      await vi.waitFor(async () => expect((await provider.get(main.id, {}))?.ipv4.length).toBeGreaterThan(0), {
        timeout: subject.stateMsMax,
        interval: 50,
      });
    });

    test("C9: signals lead where they say; one to an instance already there is no error", async () => {
      await provider.boot(main.id, {});
      await provider.reboot(main.id, {});
      await reaches(main.id, "running");
      await provider.shutdown(main.id, {});
      await reaches(main.id, "stopped");
      await provider.shutdown(main.id, {});
      await provider.boot(main.id, {});
      await reaches(main.id, "running");
    });

    test("C10: pages hold each of our instances once", async () => {
      second = await create(spec("second"));
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await provider.list({ limit: 1, ...(cursor === undefined ? {} : { cursor }) }, call);
        ids.push(...page.items.filter((item) => item.owner?.deployment === owner.deployment).map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(ids.toSorted()).toEqual([main.id, second.id].toSorted());
    });

    test("C13: only a deployment's own are listed where that is asked", async () => {
      const ours = await provider.list({ limit: 500, deployment: owner.deployment }, call);
      expect(ours.items.map(({ id }) => id).toSorted()).toEqual([main.id, second.id].toSorted());
      expect(await provider.list({ limit: 500, deployment: "d-none" }, call)).toEqual({ items: [] });
    });

    test("C10: any id is a cursor, and a shard ends with the id that it was given", async (context) => {
      const { idOrder } = provider.capabilities;
      if (idOrder === "none") context.skip("this provider cannot filter by id");
      const before = idOrder === "number" ? Number(main.id) < Number(second.id) : main.id < second.id;
      const [low, high] = before ? [main.id, second.id] : [second.id, main.id];
      const ids = async (bounds: { cursor?: string; until?: string }) => {
        const page = await provider.list({ limit: 500, deployment: owner.deployment, ...bounds }, call);
        return page.items.map(({ id }) => id);
      };
      expect(await ids({})).toEqual([low, high]);
      expect(await ids({ cursor: low })).toEqual([high]);
      expect(await ids({ until: low })).toEqual([low]);
      expect(await ids({ cursor: low, until: low })).toEqual([]);
      expect(await ids({ cursor: high })).toEqual([]);
    });

    test("C11: every answer tells of a limit that the driver has named; where it names none, none does", async () => {
      const { rateBuckets } = provider.capabilities;
      expect(readings.length > 0).toBe(rateBuckets.length > 0);
      for (const { bucket, limit = -1, remaining = -1, resetInMs = -1 } of readings) {
        expect(rateBuckets.map((each) => each.name)).toContain(bucket);
        expect(limit).toBeGreaterThan(0);
        expect(remaining).toBeGreaterThanOrEqual(0);
        expect(remaining).toBeLessThan(limit);
        expect(resetInMs).toBeGreaterThanOrEqual(0);
      }
    });

    test("C10: the feed tells of a change by the instance's id, in order, and its end once", async (context) => {
      if (!provider.capabilities.eventFeed) context.skip("this provider has no feed of changes");
      const begun = await provider.events(undefined, {});
      expect(begun).toMatchObject({ events: [], gap: true });
      await stopped(main.id);
      let { cursor } = begun;
      const told: ProviderEvent[] = [];
      const ends = () => told.filter((event) => event.instanceId === main.id && event.state === "finished");
      await vi.waitFor(
        async () => {
          const page = await provider.events(cursor, {});
          expect(page.gap).toBe(false);
          const ids = page.events.map(({ id }) => id);
          const sorted = ids.toSorted((a, b) => (/^\d+$/.test(a) ? Number(a) - Number(b) : a < b ? -1 : 1));
          expect(ids).toEqual(sorted);
          cursor = page.cursor;
          told.push(...page.events);
          expect(ends().map(({ kind }) => kind)).toContain("stopped");
        },
        { timeout: subject.stateMsMax, interval: 50 },
      );
      await booted(main.id);
      await vi.waitFor(
        async () => {
          const page = await provider.events(cursor, {});
          cursor = page.cursor;
          told.push(...page.events);
          expect(ends().map(({ kind }) => kind)).toContain("booted");
        },
        { timeout: subject.stateMsMax, interval: 50 },
      );
      const ids = ends().map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      expect(await refusal(provider.events("no cursor of ours", {}))).toMatchObject({ code: "provider_rejected" });
    });

    test("C13: an instance is released and adopted, and keeps its name", async () => {
      await provider.setOwner(second.id, undefined, {});
      const released = await provider.get(second.id, {});
      expect(released).toMatchObject({ name: second.name });
      expect(released?.owner).toBeUndefined();
      expect(await provider.find({ name: second.name, owner }, {})).toBeUndefined();
      const adopter = { deployment: `d-${run}x`, instance: owner.instance };
      await provider.setOwner(second.id, adopter, {});
      expect(await provider.get(second.id, {})).toMatchObject({ owner: adopter });
      await provider.setOwner(second.id, owner, {});
      expect(await provider.get(second.id, {})).toMatchObject({ owner });
    });

    test("C9: a power-off stops a running instance, and one that is stopped is no error", async () => {
      await reaches(main.id, "running");
      await accepted(() => provider.powerOff(main.id, {}));
      await reaches(main.id, "stopped");
      await provider.powerOff(main.id, {});
      await booted(main.id);
    });

    test("C9: a resize shows the new type, and the same once more is no error", async () => {
      if (!provider.capabilities.canResizeRunning) await stopped(main.id);
      await accepted(() => provider.resize(main.id, subject.otherType, {}));
      const status = provider.capabilities.canResizeRunning ? "running" : "stopped";
      await vi.waitFor(
        async () => expect(await provider.get(main.id, {})).toMatchObject({ type: subject.otherType, status }),
        { timeout: subject.stateMsMax, interval: 50 },
      );
      await accepted(() => provider.resize(main.id, subject.otherType, {}));
      const error = await refusal(provider.resize(main.id, "no-such-type", {}));
      expect(error).toMatchObject({ code: "provider_type_not_found", effect: "none" });
      if (status === "stopped") await booted(main.id);
    });

    test("C3: daily backups are on from the start, and switching them on again is no error", async (context) => {
      if (provider.capabilities.backups === "none") context.skip("this provider has no daily backups");
      if (provider.capabilities.backups === "second-call") await provider.enableBackups(main.id, {});
      expect((await provider.get(main.id, {}))?.backups ?? true).toBe(true);
      await provider.enableBackups(main.id, {});
      const bare = await create(spec("bare", { backups: false }));
      await accepted(() => provider.enableBackups(bare.id, {}));
      expect((await provider.get(bare.id, {}))?.backups ?? true).toBe(true);
      await gone(bare.id);
    });

    test("C3: a snapshot becomes available, and the instance is put back to it", async (context) => {
      if (provider.capabilities.snapshots === "none") context.skip("this provider has no snapshots");
      const label = `suite-${run}`;
      const taken = await accepted(() => provider.snapshot(main.id, label, {}));
      expect(taken).toMatchObject({ kind: "snapshot", label });
      const listed = async () => (await provider.backups(main.id, {})).filter((each) => each.label === label);
      await vi.waitFor(async () => expect(await listed()).toMatchObject([{ id: taken.id, status: "available" }]), {
        timeout: subject.stateMsMax,
        interval: 50,
      });
      if (!provider.capabilities.canRestoreRunning) await stopped(main.id);
      await accepted(() => provider.restore(main.id, taken.id, {}));
      await reaches(main.id, provider.capabilities.canRestoreRunning ? "running" : "stopped");
      expect(await provider.get(main.id, {})).toMatchObject({ name: main.name, owner });
      if (!provider.capabilities.canRestoreRunning) await booted(main.id);
    });

    test("C2: a stopped instance becomes an image, met by name and deployment; one deploys from it; it goes", async () => {
      const wanted = { name: `suite-${run}-image`, deployment: owner.deployment, golden: true };
      expect(await provider.findImage(wanted, {})).toBeUndefined();
      await stopped(main.id);
      const { id } = await accepted(() => provider.imageFrom(main.id, wanted, {}));
      images.add(id);
      await vi.waitFor(async () => expect(await provider.image(id, {})).toMatchObject({ status: "available" }), {
        timeout: subject.stateMsMax,
        interval: 50,
      });
      expect(await provider.findImage(wanted, {})).toMatchObject({ id, kind: "golden", status: "available" });
      expect(await provider.findImage({ ...wanted, deployment: "d-other" }, {})).toBeUndefined();
      has(await provider.images({}), id);
      const child = await create(spec("child", { image: id }));
      await reaches(child.id, provider.capabilities.bootAfterCreate ? "stopped" : "running");
      await gone(child.id);
      await provider.deleteImage(id, {});
      await provider.deleteImage(id, {});
      expect(await provider.image(id, {})).toBeUndefined();
      expect(await provider.findImage(wanted, {})).toBeUndefined();
      await booted(main.id);
    });

    test("C9: what is asked of an instance that is not there is refused as such", async () => {
      const absent = provider.capabilities.idOrder === "number" ? "999999999" : `suite-${run}-absent`;
      const asked: (() => Promise<unknown>)[] = [
        () => provider.boot(absent, {}),
        () => provider.reboot(absent, {}),
        () => provider.shutdown(absent, {}),
        () => provider.powerOff(absent, {}),
        () => provider.resize(absent, subject.otherType, {}),
        () => provider.setOwner(absent, owner, {}),
        () => provider.enableBackups(absent, {}),
        () => provider.backups(absent, {}),
      ];
      for (const ask of asked) {
        expect(await refusal(ask())).toMatchObject({ code: "provider_instance_not_found", effect: "none" });
      }
    });

    test("a call that is aborted ends as a ProviderError", async () => {
      const aborted = { signal: AbortSignal.abort() };
      expect(await refusal(provider.get(main.id, aborted))).toBeInstanceOf(ProviderError);
    });

    test("C9: destroy may be repeated until the provider says gone, and afterwards", async () => {
      await gone(main.id);
      await provider.destroy(main.id, {});
      expect(await provider.get(main.id, {})).toBeUndefined();
      expect(await provider.find({ name: main.name, owner }, {})).toBeUndefined();
    });
  });
}

function has(rows: readonly { id: string }[], id: string): void {
  expect(rows.map((row) => row.id)).toContain(id);
}
