import { BenchError } from "../bench-error.ts";
import type { Scenario } from "../scenario.ts";
import { drainOne, drainTwo } from "./drain.ts";

/** In the order of the page. */
export const scenarios: readonly Scenario[] = [drainOne, drainTwo];

/** @throws BenchError `unknown_name`. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((each) => each.name === name);
  if (found !== undefined) return found;
  throw new BenchError(
    "unknown_name",
    `no scenario ${JSON.stringify(name)}: give one of ${scenarios.map((each) => each.name).join(", ")}`,
  );
}
