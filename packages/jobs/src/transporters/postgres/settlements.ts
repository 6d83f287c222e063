import { checkPayload } from "../bounds.ts";
import type { Settlement } from "../transporter.ts";
import { EnqueuePayload } from "./payload.ts";
import { idText } from "./ids.ts";

type Values = [
  ids: string[] | null,
  fences: number[] | null,
  results: (string | null)[] | null,
  places: number[] | null,
  items: string | null,
  enqueue: string | null,
];

/** A batch of settlements laid out for the function `settle`, but for the clock's offset. */
export function settlementValues(settlements: readonly Settlement[]): { values: Values; queues: Set<string> } {
  const ids: string[] = [];
  const fences: number[] = [];
  const results: (string | null)[] = [];
  const places: number[] = [];
  const items: object[] = [];
  for (const [place, settlement] of settlements.entries()) {
    const { id, fence, outcome, expiredOnly } = settlement;
    if (outcome.kind !== "processed" || outcome.enqueue !== undefined || expiredOnly === true) {
      items.push(itemOf(settlement, place));
      continue;
    }
    checkPayload(id, outcome.result);
    ids.push(idText(id));
    fences.push(fence);
    results.push(outcome.result ?? null);
    places.push(place);
  }
  const enqueue = enqueueOf(settlements);
  const plain: [string[], number[], (string | null)[], number[]] = [ids, fences, results, places];
  return {
    values: [
      ...(ids.length === 0 ? ([null, null, null, null] as const) : plain),
      items.length === 0 ? null : JSON.stringify(items),
      enqueue?.text ?? null,
    ],
    queues: enqueue?.queues ?? new Set(),
  };
}

function itemOf({ id, fence, version, outcome, expiredOnly }: Settlement, place: number): object {
  const proof = {
    place,
    id: idText(id),
    fence,
    version,
    ...(expiredOnly === true ? { expired: true } : {}),
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
