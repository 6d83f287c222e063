import { fork } from "node:child_process";
import { PassThrough } from "node:stream";
import type { Carrier, Death } from "./carrier.ts";
import { entryUrl } from "./entry-url.ts";
import type { FromIsolated } from "./protocol.ts";

/** Flags that are the program's own affair: a second inspector on its port, code given on the command line. */
const ownFlags = /^(--inspect|--test|--watch|--eval|--print|-e$|-p$|-pe$|--input-type|--max-old-space-size)/;

/** A child process: nothing it does, running out of memory included, ends another. */
export function openChild(memoryMb: number): Carrier {
  const flags = process.execArgv.filter((flag) => !ownFlags.test(flag));
  const child = fork(entryUrl, [String(process.pid)], {
    execArgv: [...flags, `--max-old-space-size=${memoryMb}`],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    serialization: "advanced",
  });
  let failure: Error | undefined;
  let isDead = false;
  const listeners: ((death: Death) => void)[] = [];
  const died = (exitCode: number | null, signal: string | null): void => {
    if (isDead) return;
    isDead = true;
    for (const listener of listeners) listener(deathOf(exitCode, signal, failure));
  };
  child.on("error", (error) => {
    failure = error;
    // One that was never started does not exit.
    if (child.pid === undefined) died(null, null);
  });
  child.once("exit", died);
  return {
    name: `pid ${child.pid ?? "none"}`,
    // A child that could not be started has none.
    stdout: child.stdout ?? new PassThrough().end(),
    stderr: child.stderr ?? new PassThrough().end(),
    post: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    onMessage: (listener) => child.on("message", (message) => listener(fromIsolated(message))),
    onDeath: (listener) => listeners.push(listener),
    rungs: [
      { name: "SIGTERM", act: () => void child.kill("SIGTERM") },
      { name: "SIGKILL", act: () => void child.kill("SIGKILL") },
    ],
  };
}

function fromIsolated(message: unknown): FromIsolated {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own entry speaks `protocol.ts`
  return message as FromIsolated;
}

function deathOf(exitCode: number | null, signal: string | null, failure: Error | undefined): Death {
  if (signal !== null) return { message: `was ended by ${signal}`, details: { signal } };
  if (exitCode !== null) return { message: `exited with code ${exitCode}`, details: { exitCode } };
  const error = failure?.message ?? "unknown";
  return { message: `could not be started (${error})`, details: { error } };
}
