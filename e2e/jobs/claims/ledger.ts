import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Job } from "@provost/jobs";

/** What the processes wrote down, a file for each, append-only. A line cut short by a kill is left out. */
export interface Ledger {
  /** Times that an attempt was run, by `id fence`: more than once is a broken L3. */
  runs: Map<string, number>;
  /** Fences whose settlement was applied, by job. */
  applied: Map<string, number[]>;
  refused: number;
  /** Settlements tried with an older fence than the store's, and how many of them were applied. */
  stale: number;
  staleApplied: number;
}

export function readLedger(folder: string): Ledger {
  const ledger: Ledger = { runs: new Map(), applied: new Map(), refused: 0, stale: 0, staleApplied: 0 };
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".ledger"))) {
    const lines = readFileSync(join(folder, file), "utf8").split("\n").slice(0, -1);
    for (const line of lines) enter(ledger, line.split(" "));
  }
  return ledger;
}

function enter(ledger: Ledger, [what, id = "", fence = "", answer]: string[]): void {
  if (what === "run") {
    const attempt = `${id} ${fence}`;
    ledger.runs.set(attempt, (ledger.runs.get(attempt) ?? 0) + 1);
  } else if (what === "stale") {
    ledger.stale += 1;
    if (answer === "applied") ledger.staleApplied += 1;
  } else if (answer === "applied") ledger.applied.set(id, [...(ledger.applied.get(id) ?? []), Number(fence)]);
  else ledger.refused += 1;
}

/** What of L3 and L11 the ledger and the store's last word contradict. */
export function faultsOf(ledger: Ledger, ids: ReadonlySet<string>, jobs: readonly Job[]): string[] {
  const faults: string[] = [];
  for (const [attempt, times] of ledger.runs) if (times > 1) faults.push(`attempt ${attempt} ran ${times} times`);
  if (ledger.staleApplied > 0) faults.push(`${ledger.staleApplied} settlements with an old fence were applied`);
  const found = new Map(jobs.map((job) => [job.id, job]));
  for (const id of ids) {
    const job = found.get(id);
    if (job?.status !== "processed") {
      faults.push(`job ${id} is ${job?.status ?? "lost"}`);
      continue;
    }
    const fences = ledger.applied.get(id) ?? [];
    if (fences.length > 1) faults.push(`job ${id} was settled ${fences.length} times: fences ${fences.join(", ")}`);
    // After the last claim nobody claimed again: an end by any other fence was an old one.
    if (fences.some((fence) => fence !== job.fence))
      faults.push(`job ${id}: ended by ${fences.join()}, not ${job.fence}`);
    if (!ledger.runs.has(`${id} ${job.fence}`)) faults.push(`job ${id} is processed but fence ${job.fence} never ran`);
  }
  for (const id of found.keys()) if (!ids.has(id)) faults.push(`job ${id} was never enqueued`);
  return faults;
}
