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
process.stdout.write("", () => process.stderr.write("", leave));

/** `bin/provost.mjs` ends this process when it is told so, for the reason given there; without it Node does. */
function leave(): void {
  if (process.send === undefined) process.exit(code);
  process.send({ exit: code });
  setTimeout(() => process.exit(code), 2_000);
}
