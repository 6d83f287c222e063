const grouped = new Intl.NumberFormat("en-US");

export function count(value: number): string {
  return grouped.format(value);
}

/** `1 instance`, `1,200 instances`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `$5.00`; four places below a cent, so that an hour of a small plan is not nothing. */
export function usd(value: number | undefined): string {
  if (value === undefined) return "–";
  const places = value !== 0 && Math.abs(value) < 0.01 ? 4 : 2;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

/** The price of an hour, which is mostly below a cent or two: four places. */
export function usdHour(value: number | undefined): string {
  return value === undefined ? "–" : `$${value.toFixed(value < 1 ? 4 : 2)}`;
}

/** Memory of plans comes in MB: `512 MB`, `2 GB`, `1.5 GB`. */
export function megabytes(value: number): string {
  return value < 1024 ? `${value} MB` : `${Number((value / 1024).toFixed(1))} GB`;
}
