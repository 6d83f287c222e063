export { run } from "./run.ts";
export type { Surroundings } from "./context.ts";
export type { Terminal } from "./output/terminal.ts";
