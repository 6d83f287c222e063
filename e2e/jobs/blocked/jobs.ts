import { appendFileSync } from "node:fs";
import { defineJob, typed, type ProcessKind } from "@provost/jobs";

/** The same blocking job in each kind of process. The ledger has a line for each time that a handler ran. */

export interface Block {
  ms: number;
  ledger: string;
}

function blocking(process: ProcessKind) {
  return defineJob(`block.${process}`, {
    process,
    module: import.meta.url,
    timeout: "1h",
    input: typed<Block>(),
    run: ({ input, fence }) => {
      appendFileSync(input.ledger, `${process} ran with fence ${fence} in pid ${globalThis.process.pid}\n`);
      const until = performance.now() + input.ms;
      while (performance.now() < until);
      return "unblocked";
    },
  });
}

export const jobs = { inline: blocking("inline"), thread: blocking("thread"), process: blocking("process") };
