/** A process of its own with one engine's session: does what its parent asks, one call at a time or several at once. */
import { extname } from "node:path";
import type { Open } from "../engine.ts";
import { engineNamed } from "../engines.ts";
import { Operations } from "./operations.ts";

export type Operation = Exclude<keyof Operations, "constructor">;

export interface Call {
  id: number;
  operation: Operation;
  argument: unknown;
}

export interface Answer {
  id: number;
  value?: unknown;
  problem?: string;
}

const [name = "", address = ""] = [process.argv[2], process.env["BENCH_ADDRESS"]];
const { module, defaults, quiet } = engineNamed(name);
// As it is run itself: from source or compiled.
const file = `../${module}${extname(import.meta.filename)}`;
const { open } = (await import(new URL(file, import.meta.url).href)) as { open: Open };
const operations = new Operations(await open(address, { defaults, quiet }));

async function answer({ id, operation, argument }: Call): Promise<void> {
  try {
    const value = await operations[operation](argument as never);
    process.send?.({ id, value } satisfies Answer);
  } catch (error) {
    process.send?.({ id, problem: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  if (operation === "close") process.disconnect();
}

process.on("message", (call: Call) => void answer(call));
// Without its parent it has nothing to do.
process.once("disconnect", () => process.exit());
process.send?.({ id: 0 } satisfies Answer);
