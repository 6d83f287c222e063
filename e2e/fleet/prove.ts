/**
 * `npm run prove:fleet`: a fleet on the sandbox, with Linode's limits in force. Whole sweeps beside the limit's own minimum, changes
 * told through the feed, deletions behind our back, pages that fail, and servers that nobody knows (C10, C13).
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Listed, Orphan, SweepView } from "@provost/contract";
import type { SqlAccess } from "@provost/jobs";
import { Provost } from "../harness/provost.ts";
import { waitFor } from "../harness/wait.ts";
import { percentile, prove, type Ground } from "../jobs/proof.ts";
import { storeAt } from "../jobs/store-at.ts";
import { onThrowawayStore, type ProofStore } from "../jobs/stores.ts";
import { Cloud, shutdownMs } from "./cloud.ts";
import { eventsAfter, number, recordId, writeRecords } from "./records.ts";
import { storeLoad, storeWork } from "./store-load.ts";

const provider = "cloud";
/** Linode's: pages of 500, 200 lists a minute. */
const pageMax = 500;
const listsAMinute = 200;
const timesMinimum = 1.4;
/** A sweep need not be quicker. */
const tickSeconds = 5;
const seenWithinMs = 10_000;

const numbers = {
  instances: { value: 100_000, about: "in the fleet" },
  sweeps: { value: 3, about: "whole sweeps that are measured" },
  changes: { value: 150, about: "instances that are shut down elsewhere" },
  vanished: { value: 100, about: "instances that are deleted elsewhere" },
  failminutes: { value: 5, about: "minutes in which a tenth of the pages fails" },
  orphans: { value: 20, about: "servers with our tag that no record knows" },
  ratescale: { value: 1, about: "times Linode's limits" },
} as const;
type Setting = keyof typeof numbers;

interface Scene {
  ground: Ground<Setting>;
  cloud: Cloud;
  provost: Provost;
  store: ProofStore;
  sql: SqlAccess;
  first: number;
}

await prove(
  { name: "fleet", about: "Sweeps, feed, absence and orphans of a whole fleet.", numbers, minutesMax: 60 },
  (ground) =>
    onThrowawayStore(ground.kind, async (store) => {
      const cloud = new Cloud(ground.numbers.ratescale);
      const provost = new Provost({ PROVOST_DATABASE: store.address });
      try {
        await cloud.start();
        await provost.serve();
        const transporter = storeAt(store.address);
        await transporter.start();
        try {
          await onFleet({ ground, cloud, provost, store, sql: transporter.sql! });
        } finally {
          await transporter.stop();
        }
      } finally {
        await provost.stop();
        await cloud.stop();
      }
    }),
);

async function onFleet(place: Omit<Scene, "first">): Promise<void> {
  const { ground, cloud, provost, sql } = place;
  const { instances, orphans } = ground.numbers;
  const { deployment } = await provost.get<{ deployment: string }>("/v1/health");
  const tags = [`provost:${deployment}`, "provost-instance:in_fleet"];
  const { first_id: first } = await cloud.populate(instances, tags);
  await writeRecords(sql, provider, first, instances);
  await provost.post("/v1/providers", { name: provider, driver: "linode", endpoint: cloud.url, token: cloud.token });
  const scene: Scene = { ...place, first };
  await firstSweep(scene);
  await sweepsAndFeed(scene);
  await deletions(scene);
  await failingPages(scene);
  await strangers(scene, tags, orphans);
  const { requests_rate_limited: refused } = await cloud.stats();
  ground.check(refused === 0, `C11: the provider refused ${refused} calls for their number`);
  ground.say(`peak memory of the server ${Math.round(provost.peakRssMb())} MB`);
}

async function firstSweep({ ground, provost, sql }: Scene): Promise<void> {
  const since = performance.now();
  await complete(provost, 0);
  const seen = await number(sql, "select count(*) from control_instance where observed_status = 'running'");
  const seconds = Math.round((performance.now() - since) / 1_000);
  ground.check(
    seen === ground.numbers.instances,
    `after ${seconds} s every one of ${seen} instances is seen as running`,
  );
}

/** Issue line 3: whole sweeps and the feed at the same time. */
async function sweepsAndFeed(scene: Scene): Promise<void> {
  const { ground, provost, store, sql } = scene;
  const { instances, sweeps, ratescale } = ground.numbers;
  const minimum = (Math.ceil(instances / pageMax) / (listsAMinute * ratescale)) * 60;
  const cpu = provost.cpuSeconds();
  const work = await storeWork(store, sql, provost);
  const since = performance.now();
  const written = await number(sql, "select count(*) from control_instance_event");
  const latencies = changedElsewhere(scene);
  const seconds: number[] = [];
  let last = (await sweep(provost))?.complete?.number ?? 0;
  for (let round = 0; round < sweeps; round += 1) {
    const done = await complete(provost, last);
    last = done.number;
    seconds.push(done.seconds);
    ground.say(
      `sweep ${done.number}: ${done.instances} instances on ${done.pages} pages in ${done.seconds.toFixed(1)} s, ${done.lines} lines at once`,
    );
  }
  const told = await latencies;
  const spent = (performance.now() - since) / 1_000;
  const longest = Math.max(...seconds);
  ground.check(
    longest <= Math.max(minimum * timesMinimum, tickSeconds),
    `the longest of ${sweeps} whole sweeps took ${longest.toFixed(1)} s: ${(longest / minimum).toFixed(2)} times the limit's own minimum of ${minimum} s (at most ${timesMinimum})`,
  );
  const p99 = percentile(told, 0.99);
  ground.check(
    told.length === ground.numbers.changes && p99 < seenWithinMs,
    `${told.length} of ${ground.numbers.changes} changes made elsewhere were told, half of them within ${Math.round(percentile(told, 0.5))} ms, 99% within ${Math.round(p99)} ms (under ${seenWithinMs})`,
  );
  const load = storeLoad(work, await storeWork(store, sql, provost), spent);
  const events = (await number(sql, "select count(*) from control_instance_event")) - written;
  ground.say(
    `meanwhile ${events} events for ${ground.numbers.changes} changes; the server used ${(((provost.cpuSeconds() - cpu) / spent) * 100).toFixed(1)}% of a processor`,
  );
  ground.say(`the store each second, this proof's own looks included: ${load}`);
}

/** Shuts instances down, one after the other over a minute; from the moment each is down until the change stands in the store. */
async function changedElsewhere({ ground, cloud, sql, first }: Scene): Promise<number[]> {
  const { changes, instances, ratescale } = ground.numbers;
  const downAt = new Map<string, number>();
  const told: number[] = [];
  let seq = await number(sql, "select coalesce(max(seq), 0) from control_instance_event");
  const step = Math.max(Math.floor(instances / changes), 1);
  const acting = (async () => {
    for (let change = 0; change < changes; change += 1) {
      const id = first + change * step;
      await cloud.shutdown(id);
      downAt.set(recordId(id), performance.now() + shutdownMs);
      await pause(400 / ratescale);
    }
  })();
  const until = performance.now() + (400 / ratescale) * changes + 60_000;
  while (told.length < changes && performance.now() < until) {
    for (const event of await eventsAfter(sql, seq, "changed")) {
      seq = event.seq;
      const at = downAt.get(event.instanceId);
      if (at !== undefined && event.message.includes("stopped")) told.push(Math.max(performance.now() - at, 0));
    }
    await pause(50);
  }
  await acting;
  return told;
}

/** Issue line 7: gone behind our back. */
async function deletions({ ground, cloud, provost, sql, first }: Scene): Promise<void> {
  const { vanished, instances } = ground.numbers;
  const since = performance.now();
  const step = Math.floor(instances / vanished);
  await cloud.vanish(Array.from({ length: vanished }, (_, index) => first + index * step + 1));
  await waitFor("the deleted to be missing", async () => (await missing(sql)) >= vanished, 10 * 60_000, 500);
  const seconds = Math.round((performance.now() - since) / 1_000);
  await complete(provost, (await sweep(provost))?.complete?.number ?? 0);
  const now = await missing(sql);
  ground.check(
    now === vanished,
    `${now} of ${vanished} deleted elsewhere are missing after ${seconds} s, and no others`,
  );
}

async function failingPages({ ground, cloud, provost, sql }: Scene): Promise<void> {
  const { failminutes, vanished } = ground.numbers;
  if (failminutes === 0) {
    ground.check(false, "pages that fail were not tried (--failminutes)");
    return;
  }
  const before = await cloud.stats();
  await cloud.failPages(0.1, failminutes * 60_000);
  let most = 0;
  for (const end = performance.now() + failminutes * 60_000; performance.now() < end; await pause(1_000)) {
    most = Math.max(most, await missing(sql));
  }
  const failed = (await cloud.stats()).faults_applied - before.faults_applied;
  await complete(provost, (await sweep(provost))?.complete?.number ?? 0);
  most = Math.max(most, await missing(sql));
  ground.check(
    failed > 0 && most === vanished,
    `${failminutes} minutes in which ${failed} pages failed have made ${most - vanished} instances missing`,
  );
}

/** Issue line 8: with our tag, and in no record. */
async function strangers({ ground, cloud, provost }: Scene, tags: string[], count: number): Promise<void> {
  const since = performance.now();
  const before = (await sweep(provost))?.complete?.number ?? 0;
  await cloud.populate(count, tags);
  let seen: Orphan[] = [];
  await waitFor(
    "the orphans to be seen",
    async () => {
      seen = (await provost.get<Listed<Orphan>>("/v1/orphans?limit=500")).items;
      return seen.length >= count;
    },
    10 * 60_000,
    500,
  );
  const seconds = Math.round((performance.now() - since) / 1_000);
  const now = (await sweep(provost))?.complete?.number ?? 0;
  const whole = seen.every(({ createdAt, costUsd }) => createdAt !== undefined && costUsd !== undefined);
  ground.check(
    seen.length === count && whole && now <= before + 1,
    `${seen.length} of ${count} servers that nobody knows are reported with age and cost after ${seconds} s, within one sweep`,
  );
  await complete(provost, now);
  const { deletes_accepted: deleted } = await cloud.stats();
  ground.check(deleted === 0, `by default none was destroyed: ${deleted}`);
}

async function missing(sql: SqlAccess): Promise<number> {
  return number(sql, "select count(*) from control_instance where status = 'missing'");
}

async function sweep(provost: Provost): Promise<SweepView | undefined> {
  const { items } = await provost.get<{ items: SweepView[] }>("/v1/sweeps");
  return items.find((each) => each.provider === provider);
}

/** The next sweep after this number that is complete and without an error. */
async function complete(provost: Provost, after: number): Promise<NonNullable<SweepView["complete"]>> {
  let found: SweepView["complete"];
  await waitFor(
    `a whole sweep after number ${after}`,
    async () => {
      found = (await sweep(provost))?.complete;
      return found !== undefined && found.number > after;
    },
    10 * 60_000,
    250,
  );
  return found!;
}
