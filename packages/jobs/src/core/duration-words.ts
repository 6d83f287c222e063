const units = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
] as const;

/** `5 minutes`, `hour`, `90 seconds`, `250 ms`: in the largest unit that needs no fraction; `hour` and not `1 hour`, to stand behind "every". */
export function durationWords(ms: number): string {
  const [unit, size] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ["ms", 1];
  const count = ms / size;
  if (unit === "ms") return `${count} ms`;
  return count === 1 ? unit : `${count} ${unit}s`;
}
