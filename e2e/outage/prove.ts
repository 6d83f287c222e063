/**
 * `npm run prove:outage`: what becomes of servers that never get ready, and of a fleet whose provider is down, with the times of C7
 * shortened by configuration. Stuck ones must have failed on time, with their cause, and be told of by webhook within 5 s (C7);
 * their servers stay up and are listed with cost and expiry (C8). A provider that is down for half as long again as the stuck limit, first
 * refusing connections, then with 503, must fail none (C7, C12).
 */
import { randomBytes } from "node:crypto";
import { Provost } from "../harness/provost.ts";
import { SandboxCloud } from "../harness/sandbox.ts";
import { prove, type Ground } from "../jobs/proof.ts";
import { onThrowawayStore, type ProofStore } from "../jobs/stores.ts";
import { proveDown } from "./down.ts";
import { proveStuck } from "./stuck.ts";

/** As `PROVOST_PROVISION_TIMEOUT`; the looks and the watchdog in proportion. */
const stuckSeconds = 30;

/** What both parts have. */
export interface OutageGround extends Ground<"stuck" | "deploys"> {
  provost: Provost;
  cloud: SandboxCloud;
  /** Name for a new account. */
  provider: string;
  stuckSeconds: number;
}

async function proveOn(store: ProofStore, ground: Ground<"stuck" | "deploys">): Promise<void> {
  const cloud = new SandboxCloud(store.folder, ["--rate-scale", "25", "--boot-ms", "1500-3000"]);
  const provost = new Provost({
    PROVOST_LOG_LEVEL: "warn",
    PROVOST_PROVISION_TIMEOUT: `${stuckSeconds}s`,
    PROVOST_LOOK_EVERY: "2s",
    PROVOST_WATCHDOG_EVERY: "2s",
    PROVOST_WEBHOOK_ALLOW: "127.0.0.1",
    ...(store.kind === "PostgreSQL" ? { PROVOST_DATABASE: store.address } : {}),
  });
  try {
    await cloud.start();
    await provost.serve();
    const common = { ...ground, provost, cloud, stuckSeconds };
    await proveStuck({ ...common, provider: `stuck-${randomBytes(2).toString("hex")}` });
    await proveDown({ ...common, provider: `down-${randomBytes(2).toString("hex")}` });
  } finally {
    await provost.stop();
    await cloud.stop();
  }
}

await prove(
  {
    name: "outage",
    about:
      "Servers that never get ready fail on time and are told of; a provider that is down fails none (C7, C8, C12).",
    numbers: {
      stuck: { value: 50, about: "servers that never get ready" },
      deploys: { value: 500, about: "under way while the provider is down" },
    },
    minutesMax: 20,
  },
  async (ground) => onThrowawayStore(ground.kind, (store) => proveOn(store, ground)),
);
