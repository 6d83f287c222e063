import { useSyncExternalStore } from "react";

/** One timer for the whole page: ages grow together, and nothing ticks while the page is hidden. */
const watchers = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const stepMs = 1_000;

function tick(): void {
  if (document.visibilityState === "hidden") return;
  now = Date.now();
  for (const watcher of watchers) watcher();
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(tick, stepMs);
  return () => {
    watchers.delete(watcher);
    if (watchers.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** This machine's clock, to the step given: a coarse one renders seldom. */
export function useNow(granularityMs = stepMs): number {
  return useSyncExternalStore(watch, () => Math.floor(now / granularityMs) * granularityMs);
}
