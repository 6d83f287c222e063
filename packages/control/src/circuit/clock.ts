import type { InstanceRow } from "../storage/rows.ts";
import type { Circuits } from "./circuits.ts";

/**
 * C7: the instant on this deploy's own clock, which stands still while its provider is down: `now` less what it stood since
 * the provider accepted it, or since its outcome has been unknown. To be used in place of `now` wherever its age is judged.
 */
export async function deployClock(
  circuits: Circuits,
  row: Pick<InstanceRow, "provider" | "region" | "accepted_at" | "unknown_since">,
  nowMs: number,
): Promise<number> {
  const since = row.accepted_at ?? row.unknown_since;
  if (since === null) return nowMs;
  return nowMs - (await circuits.standstillMs({ account: row.provider, region: row.region }, since, nowMs));
}
