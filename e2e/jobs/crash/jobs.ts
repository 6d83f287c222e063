import { appendFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { defineJob, typed, type JobContext, type ProcessKind } from "@provost/jobs";

/** What `prove:crash` runs: short work in the manager and in a child process, each written to the ledger as it begins. */

export interface Work {
  ledger: string;
  ms: number;
}

function working(process: ProcessKind) {
  return defineJob(`crash.${process}`, {
    process,
    module: import.meta.url,
    queue: "crash",
    attempts: 100,
    timeout: "30s",
    backoff: 0,
    input: typed<Work>(),
    async run({ input, jobId, fence, signal }: JobContext<Work>) {
      appendFileSync(input.ledger, `${jobId} ${fence}\n`);
      await pause(input.ms, undefined, { signal });
    },
  });
}

export const jobs = { inline: working("inline"), process: working("process") };
