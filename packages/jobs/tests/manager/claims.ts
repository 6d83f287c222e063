import type { Claimed, JobDefinition } from "../../src/index.ts";
import type { AttemptKind, Hosting } from "../../src/manager/attempt.ts";

/** A claim as a store gives it, with what a test cares about. */
export function claimOf(fields: Partial<Claimed> = {}): Claimed {
  return {
    id: "1",
    name: "job",
    queue: "default",
    lane: "short",
    input: "null",
    fence: 1,
    version: 0,
    basePriority: 100,
    priority: 100,
    attempts: 30,
    attemptsUsed: 0,
    crashes: 0,
    errors: 0,
    timeoutMs: 60_000,
    cancelRequested: false,
    createdAt: 0,
    readyAt: 0,
    ...fields,
  };
}

/** Of attempts that no handler runs. */
export function kindOf(definition: JobDefinition): AttemptKind {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a handler would ask for is never reached
  const hosting = { settleKeptMs: 0, onEnded() {}, onSettled() {} } as unknown as Hosting;
  return { definition, pace: undefined, hosting };
}
