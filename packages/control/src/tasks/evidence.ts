import type { Account } from "../accounts/account.ts";
import type { CallTerms } from "../accounts/traffic.ts";
import { BudgetWait } from "../budget/budget-wait.ts";
import { CircuitOpen } from "../circuit/circuit-open.ts";
import type { ProviderEventKind } from "../providers/event-feed.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { Evidence } from "./decide.ts";

/** How the feed is asked. */
interface Asked {
  account: Account;
  terms: CallTerms;
  signal: AbortSignal;
}

/** Pages of the feed that are read for one answer: in a crowd of other events it counts as unreadable. */
const pagesMax = 10;
/** The feed is evidence, no more: what waits for it in vain goes on without. */
const answerWithinMs = 5_000;

/** Where the feed stands before a call whose answer may be lost; undefined where there is none to be read. */
export async function feedCursor(asked: Asked): Promise<string | undefined> {
  if (!asked.account.capabilities.eventFeed) return undefined;
  return (await page(undefined, asked))?.cursor;
}

/** C4: what has become of a call, by the events of its instance since then. */
export async function evidenceSince(
  cursor: string | undefined,
  what: { providerId: string; kind: ProviderEventKind },
  asked: Asked,
): Promise<Evidence> {
  let evidence: Evidence = "none";
  let from = cursor;
  for (let pages = 0; pages < pagesMax && from !== undefined; pages += 1) {
    const read = await page(from, asked);
    if (read === undefined || read.gap) return "unreadable";
    for (const event of read.events) {
      if (event.instanceId === what.providerId && event.kind === what.kind) evidence = event.state;
    }
    if (!read.more) return evidence;
    from = read.cursor;
  }
  return "unreadable";
}

/** Undefined when the feed cannot be read: no permission, no connection, a cursor that it has forgotten. */
async function page(cursor: string | undefined, { account, terms, signal }: Asked) {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
  try {
    return await account.call((provider, call) => provider.events(cursor, call), bounded, terms);
  } catch (error) {
    const wait = error instanceof BudgetWait || error instanceof CircuitOpen;
    if (wait || signal.aborted || !(error instanceof ProviderError)) throw error;
    return undefined;
  }
}
