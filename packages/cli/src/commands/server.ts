import { exitCodes } from "@provost/contract";
import type { ServerFlags } from "@provost/server";
import type { Context } from "../context.ts";

/** `provost server`: the server alone in the foreground, its log on stderr, until it is told to stop. */
export async function runServer(context: Context, flags: ServerFlags): Promise<number> {
  const { readConfig, Server } = await import("@provost/server");
  // The database holds hashes and sealed secrets: whatever is written from here on is its owner's alone (C15).
  process.umask(0o077);
  const server = new Server(readConfig(context.env, flags), { logTo: "stderr" });
  await server.start();
  await interruption(context.interrupted);
  await server.stop();
  return exitCodes.done;
}

/** Resolves at the first Ctrl-C or its kin. */
export function interruption(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
