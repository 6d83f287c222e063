import { runHandler } from "./handler.ts";
import type { AttemptHost, Process } from "./process.ts";

/** This event loop. A handler that ignores its signal cannot be ended here: it keeps its slot and is reported (L9). */
export class InlineProcess implements Process {
  run(host: AttemptHost): void {
    runHandler(host);
    // Its handler has it as a value: the text is not kept for as long as that runs.
    host.claimed.input = "";
  }
}
