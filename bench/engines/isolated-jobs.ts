import { setTimeout as sleep } from "node:timers/promises";
import { defineJob, type JobDefinition, typed } from "@provost/jobs";
import type { Payload } from "../engine.ts";

/** Loaded in each thread or process, which does nothing but sleep. */
function sleeper(process: "thread" | "process"): JobDefinition<Payload, void> {
  return defineJob(`bench.${process}`, {
    process,
    module: import.meta.url,
    input: typed<Payload>(),
    async run({ input, signal }) {
      await sleep(input.ms ?? 0, undefined, { signal });
    },
  });
}

export const inThread = sleeper("thread");
export const inProcess = sleeper("process");
