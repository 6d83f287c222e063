import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { CreateSpec, Owner, Provider, ProviderInstance, ProviderStatus } from "../provider.ts";
import { ProviderError } from "../provider-error.ts";

/** A driver with a cloud to try it on. */
export interface ProviderUnderTest {
  provider: Provider;
  /** A choice that the cloud offers. */
  choice: Pick<CreateSpec, "region" | "type" | "image">;
  /** Longest wait for a state to be reached, in ms. */
  stateMsMax: number;
  /** Called once at the end; instances that the suite made are gone by then. */
  dispose(): Promise<void>;
}

/**
 * What every driver must keep (C1, C4): called once in each driver's test file. Makes up to three instances with names of
 * its own, and destroys them.
 */
export function providerSuite(name: string, open: () => Promise<ProviderUnderTest>): void {
  describe(`provider contract: ${name}`, { timeout: 120_000 }, () => {
    let subject: ProviderUnderTest;
    let provider: Provider;
    const run = randomBytes(4).toString("hex");
    const owner: Owner = { deployment: `d-${run}`, instance: `in_${run}` };
    const made = new Set<string>();
    let main: ProviderInstance;

    beforeAll(async () => {
      subject = await open();
      provider = subject.provider;
    });
    afterAll(async () => {
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
      const second = await create(spec("second"));
      const ids: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await provider.list({ limit: 1, ...(cursor === undefined ? {} : { cursor }) }, {});
        ids.push(...page.items.filter((item) => item.owner?.deployment === owner.deployment).map(({ id }) => id));
        cursor = page.next;
      } while (cursor !== undefined);
      expect(ids.toSorted()).toEqual([main.id, second.id].toSorted());
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

async function refusal(call: Promise<unknown>): Promise<ProviderError> {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof ProviderError) return thrown;
  throw new TypeError(`no ProviderError was thrown but ${String(thrown)}`);
}

function has(rows: readonly { id: string }[], id: string): void {
  expect(rows.map((row) => row.id)).toContain(id);
}
