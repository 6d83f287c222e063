import type { JobDefinition } from "../core/request.ts";
import type { Claimed } from "../transporters/transporter.ts";
import { runHandler } from "./handler.ts";
import type { AttemptHost, Process } from "./process.ts";

/** This event loop. A handler that ignores its signal cannot be ended here: it keeps its slot and is reported (L9). */
export class InlineProcess implements Process {
  run(definition: JobDefinition, claimed: Claimed, host: AttemptHost): void {
    runHandler(definition, claimed, host);
    // Its handler has it as a value: the text is not kept for as long as that runs.
    claimed.input = "";
  }
}
