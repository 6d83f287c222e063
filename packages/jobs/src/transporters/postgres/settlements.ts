import { checkPayload } from "../bounds.ts";
import type { Settlement } from "../transporter.ts";
import { EnqueuePayload } from "./payload.ts";
import { idText } from "./ids.ts";

type Values = [items: string, ids: string[], ends: string[], releases: string | null, enqueue: string | null];

/** A batch of settlements laid out for the function `settle`, but for the clock's offset. */
export function settlementValues(settlements: readonly Settlement[]): { values: Values; queues: Set<string> } {
  const items = settlements.map(itemOf);
  const releases = settlements.filter(
    ({ outcome }) => outcome.kind === "defer" || (outcome.kind === "retry" && outcome.cause === "released"),
  );
  const ends = settlements.filter(({ outcome }) => outcome.kind !== "retry" && outcome.kind !== "defer");
  const enqueue = enqueueOf(settlements);
  return {
    values: [
      JSON.stringify(items),
      settlements.map(({ id }) => idText(id)),
      ends.map(({ id }) => idText(id)),
      releases.length === 0
        ? null
        : JSON.stringify(
            releases.map(({ id, outcome }) => ({
              id: idText(id),
              ...("wakeKey" in outcome ? { wake: outcome.wakeKey } : {}),
            })),
          ),
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
