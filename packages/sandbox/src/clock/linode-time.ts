let lastSecond = Number.NaN;
let lastText = "";

/** Linode's times: UTC, whole seconds, no zone. Neighbours in a list often share the second: the last one is kept. */
export function linodeTime(epochMs: number): string {
  const second = Math.floor(epochMs / 1_000);
  if (second !== lastSecond) {
    lastText = new Date(second * 1_000).toISOString().slice(0, 19);
    lastSecond = second;
  }
  return lastText;
}
