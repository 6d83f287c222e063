/**
 * A manager of `prove:schedules` in a process of its own. Tells what its leader and its scheduler do; told `hold`, its next run of `pulse` never
 * ends. As `believer` it takes itself for the leader, whatever the store says. Each run writes a line to the ledger.
 */
import { appendFileSync } from "node:fs";
import { defineSchedule, JobManager, type ManagerEvent, type Transporter } from "@provost/jobs";
import { storeAt } from "../store-at.ts";
import { everyMs, failsAt, leaseMs, walkShards, type Page } from "./clocks.ts";

/** What a worker tells. */
export type Told = { event: "held"; due: number } | ManagerEvent;

const [address = "", ledger = "", pages = "0", role = ""] = process.argv.slice(2);
const pagesOfShard = Number(pages) / walkShards;
let isHolding = false;
process.on("message", () => (isHolding = true));
// Not without whoever started it.
process.once("disconnect", () => process.kill(process.pid, "SIGKILL"));

function tell(told: Told): void {
  process.send?.(told);
}

function wrote(name: string, shard: number, due: Date, more = ""): void {
  appendFileSync(ledger, `${name} ${shard} ${due.getTime()} ${more}\n`);
}

const pulse = defineSchedule("pulse", {
  every: everyMs.pulse,
  first: 0,
  run: ({ cursor, shard, due }) => {
    wrote("pulse", shard, due);
    if (!isHolding) return cursor + 1;
    tell({ event: "held", due: due.getTime() });
    return new Promise<never>(() => undefined);
  },
});
const steady = defineSchedule("steady", {
  every: everyMs.steady,
  first: 0,
  run: ({ cursor, shard, due }) => {
    wrote("steady", shard, due);
    return cursor + 1;
  },
});
const flaky = defineSchedule("flaky", {
  every: everyMs.flaky,
  first: 0,
  run: ({ cursor, shard, due }) => {
    wrote("flaky", shard, due);
    if (failsAt(due.getTime())) throw new RangeError("this page is bad");
    return cursor + 1;
  },
});
const walk = defineSchedule("walk", {
  every: everyMs.walk,
  shards: walkShards,
  first: { cycle: 0, step: 0 } satisfies Page,
  run: ({ cursor: { cycle, step }, shard, shards, due }) => {
    wrote("walk", shard, due, `${cycle} ${step * shards + shard}`);
    return step + 1 < pagesOfShard ? { cycle, step: step + 1 } : { cycle: cycle + 1, step: 0 };
  },
});

const store = storeAt(address);
const manager = new JobManager({
  transporter: role === "believer" ? believing(store) : store,
  jobs: [pulse, steady, flaky, walk],
  lease: leaseMs,
  log: (event) => {
    if (event.event === "tick.fired" || event.event === "leader.elected" || event.event === "service.error")
      tell(event);
  },
});
await manager.start();
tell({ event: "manager.started", manager: manager.id });

/** The store, but for a seat that is everybody's. */
function believing(transporter: Transporter): Transporter {
  const leader: Transporter["leader"] = {
    campaign: async () => ({ leading: true, fence: 1 }),
    resign: async () => undefined,
  };
  return new Proxy(transporter, {
    get: (target, key) => {
      if (key === "leader") return leader;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
