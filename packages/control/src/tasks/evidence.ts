import type { Account } from "../accounts/account.ts";
import type { CallTerms } from "../accounts/traffic.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { ProviderEventKind } from "../providers/event-feed.ts";
import type { Evidence } from "./decide.ts";

/** Pages of the feed that are read for one answer: in a crowd of other events it counts as unreadable. */
const pagesMax = 10;

/** Where the feed stands before a call whose answer may be lost; undefined where the provider has none. */
export async function feedCursor(account: Account, terms: CallTerms, signal: AbortSignal): Promise<string | undefined> {
  if (!account.capabilities.eventFeed) return undefined;
  return (await account.call((provider, call) => provider.events(undefined, call), signal, terms)).cursor;
}

/** C4: what has become of a call, by the events of its instance since then. */
export async function evidenceSince(
  cursor: string | undefined,
  what: { providerId: string; kind: ProviderEventKind },
  { account, terms, signal }: { account: Account; terms: CallTerms; signal: AbortSignal },
): Promise<Evidence> {
  if (cursor === undefined) return "unreadable";
  let evidence: Evidence = "none";
  let from = cursor;
  try {
    for (let pages = 0; pages < pagesMax; pages += 1) {
      const page = await account.call((provider, call) => provider.events(from, call), signal, terms);
      if (page.gap) return "unreadable";
      for (const event of page.events) {
        if (event.instanceId === what.providerId && event.kind === what.kind) evidence = event.state;
      }
      if (!page.more) return evidence;
      from = page.cursor;
    }
  } catch (error) {
    if (error instanceof ProviderError && error.code === "provider_rejected") return "unreadable";
    throw error;
  }
  return "unreadable";
}
