import type { Account } from "../accounts/account.ts";
import type { ProviderInstance } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { Store } from "../storage/store.ts";
import type { KnownInstance } from "./drift.ts";
import { background } from "./sweep-parts.ts";

/** One look by id; `seen` is undefined where the provider says that there is none. */
export interface Look {
  row: KnownInstance;
  seen: ProviderInstance | undefined;
  at: number;
}

/** Looks at the same time: the account's connections are for people too. */
const atOnce = 8;

/**
 * Looks at instances by their ids, as far as budget and provider let it: what was seen, and the error that ended it early, if
 * one did. Throws what is no provider's doing.
 */
export async function lookAt(
  store: Store,
  account: Account,
  rows: readonly KnownInstance[],
  signal: AbortSignal,
): Promise<{ looks: Look[]; error: ProviderError | undefined }> {
  const looks: Look[] = [];
  const left = [...rows];
  let error: ProviderError | undefined;
  const work = async (): Promise<void> => {
    for (;;) {
      const row = error === undefined ? left.shift() : undefined;
      if (row === undefined) return;
      const at = await store.now();
      try {
        const seen = await account.call((provider, call) => provider.get(row.provider_id ?? "", call), signal, {
          ...background,
          region: row.region,
        });
        looks.push({ row, seen, at });
      } catch (reason) {
        if (!(reason instanceof ProviderError)) throw reason;
        error = reason;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, rows.length) }, work));
  return { looks, error };
}
