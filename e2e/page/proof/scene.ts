import type { SqlAccess } from "@provost/jobs";
import type { Provost } from "../../harness/provost.ts";
import type { Ground } from "../../jobs/proof.ts";
import type { Visitor } from "../visitor.ts";
import type { Filled } from "./fill.ts";
import type { Plans } from "./plans.ts";

export type Setting = "instances" | "jobs" | "samples" | "changes" | "seconds";

/** What the parts of the proof have in common on one store. */
export interface Scene {
  ground: Ground<Setting>;
  provost: Provost;
  sql: SqlAccess;
  visitor: Visitor;
  filled: Filled;
  plans: Plans;
}
