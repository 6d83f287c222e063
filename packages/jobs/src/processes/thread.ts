import { Worker } from "node:worker_threads";
import type { Carrier, Death } from "./carrier.ts";
import { entryUrl } from "./entry-url.ts";
import type { FromIsolated } from "./protocol.ts";

/** A worker thread: its own heap and event loop in this process. Flags of the program (loaders, conditions) are inherited. */
export function openThread(memoryMb: number): Carrier {
  const worker = new Worker(entryUrl, {
    name: "provost-job",
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  let failure: Error | undefined;
  worker.on("error", (error) => {
    failure = error;
  });
  return {
    name: `thread ${worker.threadId}`,
    stdout: worker.stdout,
    stderr: worker.stderr,
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => worker.on("message", (message: FromIsolated) => listener(message)),
    onDeath: (listener) => worker.once("exit", (code) => listener(deathOf(code, failure))),
    rungs: [{ name: "terminate", act: () => void worker.terminate() }],
  };
}

function deathOf(exitCode: number, error: Error | undefined): Death {
  if (error === undefined) return { message: `exited with code ${exitCode}`, details: { exitCode } };
  return { message: `ended with ${error.message}`, details: { exitCode, error: error.stack ?? error.message } };
}
