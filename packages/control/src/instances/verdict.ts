import type { FailureCode } from "@provost/contract";
import type { Timings } from "../options.ts";
import { stageNumber, type InstanceRow } from "../storage/rows.ts";

const ready = stageNumber("ready");

/** The parts of a row that the clock of C7 is about. */
export type Provision = Pick<
  InstanceRow,
  "task" | "builder_of" | "archived_at" | "accepted_at" | "active_at" | "unknown_since" | "provider_id" | "stage"
>;

/**
 * C7: has this provision run out of time? Asked by the flow's own steps and by the watchdog, so that both say the same. A
 * deploy that waits for a rate budget or an unreachable provider has no accepted_at and is not on the clock. Nor is one that has
 * reported ready: what is left is for our own jobs to do, and a long queue of them is no failure of the server's.
 */
export function overdue(row: Provision, nowMs: number, timings: Timings): FailureCode | undefined {
  if (row.task !== "deploy" || row.archived_at !== null) return undefined;
  if (row.stage === ready) return undefined;
  if (row.accepted_at !== null) {
    if (nowMs - row.accepted_at < limitMs(row, timings)) return undefined;
    return row.active_at === null && row.stage === 0 ? "boot_stuck" : "callback_missing";
  }
  if (row.unknown_since !== null && row.provider_id === null) {
    return nowMs - row.unknown_since < timings.createUnknownMaxMs ? undefined : "create_unknown";
  }
  return undefined;
}

/** A builder's script makes a whole image: it has the time of the bake (C2). */
export function limitMs({ builder_of: image }: Pick<Provision, "builder_of">, timings: Timings): number {
  return image === null ? timings.provisionMaxMs : timings.bakeMaxMs;
}

/** Looks are counted for instances; a builder has its clock alone. */
export function lookedEnough(row: Pick<Provision, "builder_of">, looks: number, timings: Timings): boolean {
  return row.builder_of === null && looks > timings.looksMax;
}

/**
 * How long until the next look: as long again as has passed already, so that looks are close together at first and
 * `lookEveryMs` apart later, and never beyond the end of the clock. Eight looks bring a boot of half a minute to light, at the
 * price of seeing it late by its own length at most; a report wakes the deploy at once.
 */
export function nextLookMs(sinceMs: number, leftMs: number, timings: Timings): number {
  const growing = Math.min(Math.max(sinceMs, timings.firstLookMs), timings.lookEveryMs);
  return Math.ceil(Math.max(Math.min(growing, leftMs), 1));
}
