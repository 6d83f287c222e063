import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JobManager, type SemaphoreScope, type Transporter } from "../../src/index.ts";
import { sqlite } from "../../src/transporters/sqlite/index.ts";
import { managed, store } from "../manager/harness.ts";
import { skipReason, TestServer } from "../postgres-server.ts";
import { inChild, inline, inThread, type Withdrawals } from "./jobs.ts";
import { Teller } from "./tellers.ts";

const processes = 8;
const times = 20;
const balance = processes * times;
/** Eight programs start on a machine that may have one core for all of them. */
const msMax = 120_000;

interface Opened {
  place: string;
  schema: string;
  transporter: Transporter;
}

/** Eight managers in processes of their own, and one here, on one store. */
function bankTests(name: string, scope: SemaphoreScope, open: (folder: string) => Opened): void {
  describe(name, () => {
    const folder = mkdtempSync(join(tmpdir(), "provost-bank-"));
    const tellers: Teller[] = [];
    let manager: JobManager;
    let transporter: Transporter;

    beforeAll(async () => {
      const opened = open(folder);
      transporter = opened.transporter;
      await transporter.start();
      const hostFolder = join(folder, "host");
      manager = new JobManager({ transporter, hostFolder, lease: "1h" });
      for (let count = 0; count < processes; count += 1) {
        tellers.push(new Teller(opened.place, opened.schema, hostFolder));
      }
      for (const teller of tellers) await teller.next("ready");
    }, msMax);

    afterAll(async () => {
      await Promise.all(tellers.map((teller) => teller.kill()));
      await manager.stop();
      await transporter.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test.each(["atomic", "plain"] as const)(
      `L12: the bank: ${processes} processes withdraw 1 each ${times} times: %s`,
      async (way) => {
        const key = `balance ${way}`;
        await manager.memory(scope).add(key, balance);
        for (const teller of tellers) teller.tell({ act: "withdraw", key, scope, times, way });
        let got = 0;
        for (const teller of tellers) got += (await teller.next("done")).got;
        const left = Number(await manager.memory(scope).get(key));
        if (way === "atomic") expect({ got, left }).toEqual({ got: balance, left: 0 });
        // Without it updates are lost: more was handed out than is missing.
        else expect(left + got).toBeGreaterThan(balance);
      },
      msMax,
    );

    test(
      "L12: kill -9 of a holder frees its permit at once for who waits",
      async () => {
        const [holder] = tellers;
        holder!.tell({ act: "hold", name: "s", scope });
        await holder!.next("holding");
        const semaphore = manager.semaphore("s", { scope });
        expect(await semaphore.tryAcquire()).toBeUndefined();
        const waiting = semaphore.acquire({ timeout: "1m" });
        await holder!.kill();
        // Both leases are an hour: it is not their end that frees it. (`npm run prove:bank` measures how fast.)
        const permit = await waiting;
        expect(permit.fence).toBeGreaterThan(0);
        await permit.release();
      },
      msMax,
    );

    test(
      "L12: who does not wait finds the permit of a holder that was killed free",
      async () => {
        const holder = tellers[1]!;
        holder.tell({ act: "hold", name: "s", scope });
        await holder.next("holding");
        const semaphore = manager.semaphore("s", { scope });
        expect(await semaphore.tryAcquire()).toBeUndefined();
        await holder.kill();
        const permit = await semaphore.tryAcquire();
        expect(permit?.fence).toBeGreaterThan(0);
        await permit?.release();
      },
      msMax,
    );
  });
}

function onFile(folder: string): Opened {
  const place = join(folder, "jobs.db");
  return { place, schema: "", transporter: sqlite(place) };
}

bankTests("store scope, SQLite", "store", onFile);
bankTests("host scope", "host", onFile);

describe.skipIf(skipReason !== undefined)("with a server", () => {
  const server = new TestServer();
  bankTests("store scope, PostgreSQL", "store", () => {
    const schema = server.freshSchema();
    return { place: server.server.url, schema, transporter: server.transporter(schema) };
  });
});

describe.each([
  ["inline", inline],
  ["thread", inThread],
  ["process", inChild],
] as const)("jobs of kind %s", (_, jobs) => {
  test(
    "L12: an attempt that has ended holds nothing, whatever its handler left behind",
    async () => {
      const { manager, witness } = managed({ transporter: await store(), jobs: [jobs.leaves], lease: "1h" });
      await manager.start();
      for (const scope of ["manager", "store"] as const) {
        const { id } = await manager.enqueue(jobs.leaves, { name: "s", scope });
        await witness.settled(id, "processed");
        const permit = await manager.semaphore("s", { scope }).tryAcquire();
        expect(permit?.fence).toBe(Number((await manager.get(id))?.result) + 1);
        await permit?.release();
      }
    },
    msMax,
  );
});

describe.each([
  ["thread", inThread],
  ["process", inChild],
] as const)("manager scope, jobs in a %s", (kind, jobs) => {
  test.each(["atomic", "plain"] as const)(
    `L12: the bank: ${processes} withdraw 1 each ${times} times: %s`,
    async (way) => {
      const { manager, witness } = managed({
        transporter: await store(),
        jobs: [jobs.withdraws],
        processes: { [kind]: { min: processes, max: processes } },
      });
      await manager.start();
      const bank = manager.memory("manager");
      await bank.add("balance", balance);
      const input: Withdrawals = { key: "balance", scope: "manager", times, way };
      const enqueued = await manager.enqueueMany(Array.from({ length: processes }, () => jobs.withdraws.with(input)));
      await witness.until("attempt.settled", ({ outcome }) => outcome === "processed", processes);
      let got = 0;
      for (const { id } of enqueued) got += Number((await manager.get(id))?.result);
      const left = Number(await bank.get("balance"));
      if (way === "atomic") expect({ got, left }).toEqual({ got: balance, left: 0 });
      else expect(left + got).toBeGreaterThan(balance);
    },
    msMax,
  );

  test(
    "L12: a holder that is ended gives its permit back at once",
    async () => {
      const { manager, witness } = managed({
        transporter: await store(),
        jobs: [jobs.holds],
        lease: "1h",
        abortGrace: 20,
      });
      await manager.start();
      for (const scope of ["manager", "store"] as const) {
        const { id } = await manager.enqueue(jobs.holds, { name: scope, scope });
        await expect.poll(() => manager.memory("manager").has(`${scope} is held`), { timeout: msMax }).toBe(true);
        const semaphore = manager.semaphore(scope, { scope });
        expect(await semaphore.tryAcquire()).toBeUndefined();
        const waiting = semaphore.acquire({ timeout: "1m" });
        await manager.cancel(id);
        await witness.settled(id, "cancelled");
        const permit = await waiting;
        expect(permit.fence).toBeGreaterThan(0);
        await permit.release();
      }
    },
    msMax,
  );
});
