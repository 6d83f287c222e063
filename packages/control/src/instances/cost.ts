/** A month, as clouds reckon hourly prices: 730 hours. */
const monthHours = 730;
const hourMs = 3_600_000;

/** Prices of an instance; where only the month is known, its hour is a 730th. */
export interface Price {
  monthlyUsd: number;
  hourlyUsd?: number | undefined;
}

/**
 * What a server has cost after so long: each begun hour is paid, and no month costs more than its price. An estimate: months
 * are counted from its beginning, and traffic, backups and taxes are not in it. Whole cents.
 */
export function costUsd({ monthlyUsd, hourlyUsd }: Price, ageMs: number): number {
  const hours = Math.max(Math.ceil(ageMs / hourMs), 0);
  const months = Math.floor(hours / monthHours);
  const rest = Math.min((hours - months * monthHours) * (hourlyUsd ?? monthlyUsd / monthHours), monthlyUsd);
  return Math.round((months * monthlyUsd + rest) * 100) / 100;
}

/** By the prices that an instance's row has; undefined without any. */
export function costOf(
  row: { monthly_usd: number | null; hourly_usd: number | null },
  ageMs: number,
): number | undefined {
  const { monthly_usd: monthlyUsd, hourly_usd: hourlyUsd } = row;
  return monthlyUsd === null ? undefined : costUsd({ monthlyUsd, hourlyUsd: hourlyUsd ?? undefined }, ageMs);
}
