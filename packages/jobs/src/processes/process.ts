import type { FlowFailure } from "../core/context.ts";
import type { FlowBuilder } from "../core/flow.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import type { JobDefinition, JobRequest } from "../core/request.ts";
import type { Rung } from "./carrier.ts";
import type { AttemptAtomicity } from "../memory/atomicity.ts";
import type { Claimed, NewItem } from "../transporters/transporter.ts";

export type OutputStream = "stdout" | "stderr";

/**
 * Where jobs run. The manager knows nothing of event loops, threads or child processes behind it: it hands an attempt over
 * and gets its end back.
 */
export interface Process {
  /** Runs one attempt, and tells its host how it ended. Never throws: whatever goes wrong is an end. */
  run(host: AttemptHost): void;
}

/** What a running attempt may ask of its manager. */
export interface AttemptHost extends HandlerHost {
  /** Between the abort and each harder way to end it. */
  graceMs: number;
  /** The store's clock. */
  now(): Promise<number>;
  /** A line that an isolated process printed while it ran the attempt. */
  output(stream: OutputStream, line: string): void;
  /** It did not end in time and is ended. */
  ending(by: Rung["name"]): void;
}

/** What of it reaches the handler's context, wherever that runs. */
export interface HandlerHost {
  readonly claimed: Claimed;
  readonly definition: JobDefinition;
  signal: AbortSignal;
  /** The handler is about to be called. False: it must not be, the attempt is another's (L9). */
  begin(): boolean;
  /** Semaphores and shared memory, as they are reached from where the handler runs (L12). */
  atomicity: AttemptAtomicity;
  /** Checks and fills in what the handler wants enqueued with its end. */
  prepare(item: JobRequest | FlowBuilder): Promise<NewItem>;
  flowFailure(): Promise<FlowFailure | undefined>;
  /** JSON texts of the results of the flow's processed jobs of this name. */
  resultsOf(name: string): Promise<(string | undefined)[]>;
  /** JSON text. */
  progress(value: string): void;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
  /** How the attempt ended; told once, when it holds nothing any more. */
  over(end: AttemptEnd): void;
}
