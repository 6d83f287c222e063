import type { Readable } from "node:stream";
import type { FromIsolated, ToIsolated } from "./protocol.ts";

/** A thread or child process, as the pool sees it: a line to it, its output, and ways to end it. */
export interface Carrier {
  /** As logs name it: `pid 4711`, `thread 3`. */
  readonly name: string;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Never throws: who is gone does not hear, and its death is told. */
  post(message: ToIsolated): void;
  onMessage(listener: (message: FromIsolated) => void): void;
  /** Told once, also when it could not be started. */
  onDeath(listener: (death: Death) => void): void;
  /** Ways to end it, each harder than the one before; the last one cannot be ignored (L9). */
  readonly rungs: readonly Rung[];
}

export interface Rung {
  name: "SIGTERM" | "SIGKILL" | "terminate";
  act: () => void;
}

export interface Death {
  /** "exited with code 1", "was ended by SIGSEGV". */
  message: string;
  details: { exitCode?: number; signal?: string; error?: string };
}
