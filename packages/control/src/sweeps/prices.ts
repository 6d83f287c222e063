import { ProvostError } from "@provost/contract";
import type { Account } from "../accounts/account.ts";
import type { KnownInstance } from "./drift.ts";
import type { SweepParts } from "./sweep-parts.ts";
import { fleetDb } from "./tables.ts";

/** The price goes with the plan; one that is not to be had now is unknown, and no longer the old plan's. */
export async function reprice(
  { providers, store, log }: SweepParts,
  account: Account,
  retyped: readonly KnownInstance[],
): Promise<void> {
  const prices = await pricesOf(providers, account).catch((error: unknown) => {
    if (!(error instanceof ProvostError)) throw error;
    log.warn({ provider: account.name, err: error }, "the prices of new plans are not known");
    return new Map<string, number>();
  });
  for (const { id } of retyped) {
    const row = await fleetDb(store)
      .selectFrom("control_instance")
      .select("type")
      .where("id", "=", id)
      .executeTakeFirst();
    if (row === undefined) continue;
    await fleetDb(store)
      .updateTable("control_instance")
      .set({ monthly_usd: prices.get(row.type) ?? null })
      .where("id", "=", id)
      .where("type", "=", row.type)
      .execute();
  }
}

/** Monthly USD by type. Throws `ProvostError` where the provider cannot be asked. */
export async function pricesOf(providers: SweepParts["providers"], account: Account): Promise<Map<string, number>> {
  const { types } = await providers.catalogOf(account);
  return new Map(types.flatMap(({ id, monthlyUsd }) => (monthlyUsd === undefined ? [] : [[id, monthlyUsd]])));
}
