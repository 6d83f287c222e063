const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A duration as people say it, one unit, rounded up: `12 s`, `4 min`, `3 h`, `2 d`; under a second, in ms. */
export function spoken(ms: number): string {
  // From one and a half of a unit on: "90 min" says more than "2 h".
  const found = units.find(([, unit]) => ms >= unit * 1.5) ?? (ms >= 1_000 ? units[3] : undefined);
  return found === undefined ? `${Math.max(0, Math.ceil(ms))} ms` : `${Math.ceil(ms / found[1])} ${found[0]}`;
}
