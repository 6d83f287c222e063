import { setTimeout as sleep } from "node:timers/promises";
import { defineJob, typed } from "@provost/jobs";

/** Loaded in each thread or process, which does nothing but sleep. JavaScript, so that no slot pays for stripping types. */
function sleeper(process) {
  return defineJob(`bench.${process}`, {
    process,
    module: import.meta.url,
    input: typed(),
    async run({ input, signal }) {
      await sleep(input.ms ?? 0, undefined, { signal });
    },
  });
}

export const inThread = sleeper("thread");
export const inProcess = sleeper("process");
