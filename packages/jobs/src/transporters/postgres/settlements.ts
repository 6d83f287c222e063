import { checkPayload } from "../bounds.ts";
import type { Settlement, SettleResult } from "../transporter.ts";
import { EnqueuePayload } from "./payload.ts";
import { idText } from "./ids.ts";
import { type ClaimedRow, toClaimed } from "./rows.ts";

/** Arrays as PostgreSQL writes them: the client's own way takes each element apart. */
type Values = [
  ids: string | null,
  fences: string | null,
  results: (string | null)[] | null,
  places: string | null,
  started: string | null,
  items: string | null,
  enqueue: string | null,
];

/** A batch of settlements laid out for the function `settle`, but for the clock's offset. */
export function settlementValues(settlements: readonly Settlement[]): { values: Values; queues: Set<string> } {
  const plain: Settlement[] = [];
  const results: (string | null)[] = [];
  const places: number[] = [];
  const items: object[] = [];
  let place = 0;
  for (const settlement of settlements) {
    const { id, outcome, expiredOnly } = settlement;
    if (outcome.kind !== "processed" || outcome.enqueue !== undefined || expiredOnly === true)
      items.push(itemOf(settlement, place));
    else {
      checkPayload(id, outcome.result);
      plain.push(settlement);
      results.push(outcome.result ?? null);
      places.push(place);
    }
    place += 1;
  }
  const enqueue = enqueueOf(settlements);
  const none = plain.length === 0;
  return {
    values: [
      none ? null : `{${plain.map(({ id }) => idText(id)).join(",")}}`,
      none ? null : `{${plain.map(({ fence }) => fence).join(",")}}`,
      results.every((result) => result === null) ? null : results,
      none ? null : `{${places.join(",")}}`,
      plain.every(({ startedMs }) => startedMs === undefined)
        ? null
        : `{${plain.map(({ startedMs }) => startedMs ?? "NULL").join(",")}}`,
      items.length === 0 ? null : JSON.stringify(items),
      enqueue?.text ?? null,
    ],
    queues: enqueue?.queues ?? new Set(),
  };
}

function itemOf({ id, fence, version, outcome, expiredOnly, startedMs }: Settlement, place: number): object {
  const proof = {
    place,
    id: idText(id),
    fence,
    version,
    ...(expiredOnly === true ? { expired: true } : {}),
    started: startedMs,
    kind: outcome.kind,
  };
  switch (outcome.kind) {
    case "processed":
      checkPayload(id, outcome.result);
      return { ...proof, result: outcome.result };
    case "retry":
      return {
        ...proof,
        cause: outcome.cause,
        delay: outcome.delayMs,
        priority: outcome.priority,
        used: outcome.attemptsUsed,
        crashes: outcome.crashes,
        errors: outcome.errors,
        wake: outcome.wakeKey,
        failure: outcome.failure === undefined ? undefined : JSON.stringify(outcome.failure),
      };
    case "defer":
      return { ...proof, delay: outcome.delayMs, wake: outcome.wakeKey };
    case "failed":
      return {
        ...proof,
        cause: outcome.cause,
        used: outcome.attemptsUsed,
        crashes: outcome.crashes,
        errors: outcome.errors,
        failure: JSON.stringify(outcome.failure),
      };
    default:
      return { ...proof, failure: JSON.stringify(outcome.failure) };
  }
}

/** `itemsOf` says which items each settlement brings, so that those of refused ones are left out. */
function enqueueOf(settlements: readonly Settlement[]): { text: string; queues: Set<string> } | undefined {
  const itemsOf: Record<number, number[]> = {};
  const all = settlements.flatMap(({ outcome }, place) => {
    const items = outcome.kind === "processed" ? (outcome.enqueue ?? []) : [];
    return items.map((item) => ({ place, item }));
  });
  for (const [index, { place }] of all.entries()) (itemsOf[place] ??= []).push(index);
  if (all.length === 0) return undefined;
  const payload = new EnqueuePayload(all.map(({ item }) => item));
  return { text: JSON.stringify({ ...payload.lines, itemsOf }), queues: payload.queues };
}

/** A settlement that was not applied, by its place in the call. */
export interface Refusal {
  place: number;
  why: "fence" | "not-expired" | "version";
  /** For `version`: the job as its holder should see it now. */
  current: ClaimedRow | null;
}

export function refused({ why, current }: Refusal): SettleResult {
  if (why !== "version") return { state: "refused", why };
  // It cannot be gone: the row was locked when its version was read.
  return current === null ? { state: "refused", why: "fence" } : { state: "refused", why, current: toClaimed(current) };
}
