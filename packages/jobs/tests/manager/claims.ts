import type { Claimed } from "../../src/index.ts";

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
