import { BenchError } from "../bench-error.ts";
import type { Scenario } from "../scenario.ts";
import { backlog } from "./backlog.ts";
import { bulkEnqueue } from "./bulk-enqueue.ts";
import { clogged } from "./clogged.ts";
import { cost } from "./cost.ts";
import { drainOne, drainTwo } from "./drain.ts";
import { flows, flowsFanOut } from "./flows.ts";
import { heldSnapshot } from "./held-snapshot.ts";
import { pickupBusy, pickupIdle } from "./pickup.ts";
import { singleEnqueue } from "./single-enqueue.ts";
import { sleepers } from "./sleepers.ts";
import { slots } from "./slots.ts";
import { urgent } from "./urgent.ts";

/** In the order of the page. */
export const scenarios: readonly Scenario[] = [
  drainOne,
  drainTwo,
  bulkEnqueue,
  singleEnqueue,
  pickupIdle,
  pickupBusy,
  backlog,
  clogged,
  heldSnapshot,
  sleepers,
  slots,
  urgent,
  flows,
  flowsFanOut,
  cost,
];

/** @throws BenchError `unknown_name`. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new BenchError(
    "unknown_name",
    `no scenario ${JSON.stringify(name)}: give one of ${scenarios.map((each) => each.name).join(", ")}`,
  );
}
