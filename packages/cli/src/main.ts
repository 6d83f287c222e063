import { Interrupts } from "./interrupts.ts";
import { run } from "./run.ts";
import { processTerminal } from "./output/terminal.ts";

/** The process behind `bin/provost.mjs`. */
const interrupts = new Interrupts(process);
const code = await run(process.argv.slice(2), {
  env: process.env,
  interrupted: interrupts.signal,
  terminal: processTerminal(process),
  command: import.meta.filename.endsWith(".ts") ? "npx provost" : "provost",
});
// Not left to the event loop: a kept-alive connection must not hold a finished command.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
