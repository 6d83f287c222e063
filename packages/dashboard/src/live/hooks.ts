import { useEffect, useRef, useSyncExternalStore } from "react";
import { live } from "./connection.ts";
import { concerns, type LiveBatch } from "./events.ts";
import type { LiveState } from "./state.ts";

const watch = (watcher: () => void): (() => void) => live.watch(watcher);

export function useLiveState(): LiveState {
  return useSyncExternalStore(watch, () => live.state);
}

/** Calls `onBatch` for what the stream says of `topics`; what it answers is waited for when a gap is caught up. */
export function useLive(topics: readonly string[], onBatch: (batch: LiveBatch) => void | Promise<void>): void {
  const latest = useRef({ topics, onBatch });
  useEffect(() => {
    latest.current = { topics, onBatch };
  });
  useEffect(
    () =>
      live.listen((batch) => {
        const { topics: wanted, onBatch: act } = latest.current;
        return concerns(batch, wanted) ? act(batch) : undefined;
      }),
    [],
  );
}
