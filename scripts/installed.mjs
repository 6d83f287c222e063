// `node scripts/installed.mjs <command> …` installs what is missing, then runs the command with the Node and the tools that came with it.
// A shell would not do: one that has met the machine's own `node` keeps to it.
// What Node strips and compiles is kept: half of a process's start otherwise, and tests and proofs start thousands.
import { spawnSync } from "node:child_process";
import { compiled } from "./install.mjs";

const [command, ...args] = process.argv.slice(2);
const { status, error } = spawnSync(command, args, {
  stdio: "inherit",
  shell: process.platform === "win32",
  env: { NODE_COMPILE_CACHE: compiled, ...process.env },
});
if (error !== undefined) console.error(`${command} could not be started: ${error.message}`);
process.exit(status ?? 1);
