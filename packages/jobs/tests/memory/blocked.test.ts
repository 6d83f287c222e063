import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { SemaphoreScope, Transporter } from "../../src/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";
import { managed, stoppedAfter, temporaryFolder } from "../manager/harness.ts";
import { skipReason, TestServer } from "../postgres-server.ts";
import { Teller } from "./tellers.ts";

const lease = 3_000;
const blockedMs = 9_000;
const msMax = 120_000;

const tellers: Teller[] = [];
afterEach(async () => {
  await Promise.all(tellers.splice(0).map((teller) => teller.kill()));
});

interface Opened {
  place: string;
  schema: string;
  transporter: Transporter;
}

/** A teller in the section of "s", and a manager of this process that wants in. */
async function wanted({ place, schema, transporter }: Opened, scope: SemaphoreScope, ms: number) {
  const hostFolder = join(temporaryFolder(), "host");
  await transporter.start();
  const { manager } = managed({ transporter, hostFolder, lease });
  const teller = new Teller(place, schema, hostFolder, lease);
  tellers.push(teller);
  await teller.next("ready");
  teller.tell({ act: "block", name: "s", scope, ms });
  await teller.next("holding");
  const word = manager.ensureAtomicity("s", () => manager.memory(scope).get("s"), { scope, timeout: msMax });
  return { teller, word };
}

function onFile(): Opened {
  const place = join(temporaryFolder(), "jobs.db");
  return { place, schema: "", transporter: stoppedAfter(sqlite(place)) };
}

describe("L9 L12: a section whose event loop is blocked for several leases is its own until it ends", () => {
  test.each(["store", "host"] as const)(
    "scope %s, on SQLite",
    async (scope) => {
      const { teller, word } = await wanted(onFile(), scope, blockedMs);
      expect(await word).toBe("left last");
      await teller.next("unblocked");
    },
    msMax,
  );

  test(
    "a frozen process, in which no thread can renew, does lose it: the other wanted in indeed",
    async () => {
      const { teller, word } = await wanted(onFile(), "store", blockedMs);
      teller.freeze();
      expect(await word).toBeUndefined();
    },
    msMax,
  );

  describe.skipIf(skipReason !== undefined)("with a server", () => {
    const server = new TestServer();
    test(
      "scope store, on PostgreSQL",
      async () => {
        const schema = server.freshSchema();
        const opened = { place: server.server.url, schema, transporter: server.transporter(schema) };
        const { teller, word } = await wanted(opened, "store", blockedMs);
        expect(await word).toBe("left last");
        await teller.next("unblocked");
      },
      msMax,
    );
  });
});
