import type { Settlement, SettleResult } from "../transporter.ts";
import type { ProcessedEnds } from "./operations/hot-settle.ts";
import { idNumber } from "./rows.ts";

/** A batch of settlements as it travels: those that end `processed`, which most do, as columns; the others as they are. */
export interface SentSettlements {
  ends: ProcessedEnds;
  others: Settlement[];
}

/** `refused`: positions among `ends`, all by their fence. */
export interface SettledBatch {
  refused: number[];
  others: SettleResult[];
}

const applied: SettleResult = { state: "applied" };

/** What goes to the writer, and the way from its answer back to a result for each settlement. */
export function sent(settlements: readonly Settlement[]): SentSettlements & {
  results: (answer: SettledBatch) => SettleResult[];
} {
  const ends: ProcessedEnds = { ids: [], fences: [] };
  const others: Settlement[] = [];
  const texts: (string | null)[] = [];
  const starts: (number | null)[] = [];
  let anyText = false;
  let anyStart = false;
  for (const settlement of settlements) {
    const { id, fence, outcome, startedMs } = settlement;
    if (!isPlainEnd(settlement)) {
      others.push(settlement);
      continue;
    }
    ends.ids.push(idNumber(id));
    ends.fences.push(fence);
    const text = outcome.kind === "processed" ? outcome.result : undefined;
    anyText ||= text !== undefined;
    texts.push(text ?? null);
    anyStart ||= startedMs !== undefined;
    starts.push(startedMs ?? null);
  }
  if (anyText) ends.results = texts;
  if (anyStart) ends.startedMs = starts;
  const results = (answer: SettledBatch): SettleResult[] => {
    const refused = new Set(answer.refused);
    const rest = answer.others.values();
    let at = 0;
    return settlements.map((settlement) => {
      if (!isPlainEnd(settlement)) return rest.next().value ?? applied;
      return refused.has(at++) ? { state: "refused", why: "fence" } : applied;
    });
  };
  return { ends, others, results };
}

function isPlainEnd({ outcome, expiredOnly }: Settlement): boolean {
  return outcome.kind === "processed" && outcome.enqueue === undefined && expiredOnly !== true;
}
