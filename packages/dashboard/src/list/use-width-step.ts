import { useSyncExternalStore } from "react";
import { widthStep } from "./columns.ts";

function watch(watcher: () => void): () => void {
  window.addEventListener("resize", watcher);
  return () => window.removeEventListener("resize", watcher);
}

export function useWidthStep(): number {
  return useSyncExternalStore(watch, () => widthStep(window.innerWidth));
}
