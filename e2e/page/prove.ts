/**
 * `npm run prove:page`: the dashboard over 100,000 instances and 5,000,000 jobs, in a real Chromium. How soon each screen has its data, what
 * the store reads for it, how smoothly a list scrolls, and that a row under the pointer stays where it is while 10,000 changes a
 * minute come in.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Provost } from "../harness/provost.ts";
import { SandboxCloud } from "../harness/sandbox.ts";
import { prove, type Ground } from "../jobs/proof.ts";
import { storeAt } from "../jobs/store-at.ts";
import { onThrowawayStore, type ProofStore } from "../jobs/stores.ts";
import { proveChanges } from "./proof/changes.ts";
import { proveFirstData } from "./proof/first-data.ts";
import { fillStore } from "./proof/fill.ts";
import { Plans, planSettings } from "./proof/plans.ts";
import { proveScrolling } from "./proof/scrolling.ts";
import type { Scene, Setting } from "./proof/scene.ts";
import setup from "./setup.ts";
import { Visitors } from "./visitor.ts";

const numbers = {
  instances: { value: 100_000, about: "records of instances in the store" },
  jobs: { value: 5_000_000, about: "jobs in the store" },
  samples: { value: 5, about: "times that each screen is opened; the median counts" },
  changes: { value: 10_000, about: "live changes a minute" },
  seconds: { value: 30, about: "for which they come, the pointer over a row" },
} as const;

setup();
await prove(
  {
    name: "page",
    about: "Every screen over a store of millions: first data, rows read, frames, rows that stay.",
    numbers,
    minutesMax: 90,
  },
  (ground) => onThrowawayStore(ground.kind, (store) => onStore(ground, store), planSettings),
);

async function onStore(ground: Ground<Setting>, { address, server }: ProofStore): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "provost-prove-page-"));
  const cloud = new SandboxCloud(folder, ["--fast", "--no-rate-limits"]);
  // The cloud does not have the servers of the records: no sweep may find that out.
  const provost = new Provost({
    PROVOST_DATABASE: address,
    PROVOST_LOG_LEVEL: "warn",
    PROVOST_SWEEP_EVERY: "1d",
  });
  const store = storeAt(address);
  const visitors = await Visitors.arrive();
  try {
    await cloud.start();
    await provost.serve();
    await store.start();
    await provost.post("/v1/providers", { name: "linode", driver: "linode", endpoint: cloud.url, token: cloud.token });
    const filled = await fillStore(ground, store);
    const sql = store.sql!;
    const plans = await Plans.of(sql, server);
    const visitor = await visitors.visitor(provost.url());
    await visitor.signIn(provost.adminToken());
    const scene: Scene = { ground, provost, sql, visitor, filled, plans };
    await proveFirstData(scene);
    await proveScrolling(scene);
    await proveChanges(scene);
  } finally {
    await visitors.leave();
    await store.stop();
    await provost.stop();
    await cloud.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
