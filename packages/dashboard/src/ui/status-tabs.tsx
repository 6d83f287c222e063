import type { ReactNode } from "react";
import { classes } from "./classes.ts";

/** The look of a tab that is a link; the one that is open has `aria-current`. */
export function tabClass(current: boolean): string {
  return classes(
    "-mb-px flex h-9 items-center gap-1.5 border-b-2 px-2 font-medium whitespace-nowrap",
    current ? "border-accent text-text" : "border-transparent text-muted hover:text-text",
  );
}

/** A row of tabs that are links. */
export function TabRow({ label, children }: { label: string; children: ReactNode }) {
  return (
    <nav aria-label={label} className="flex shrink-0 gap-1 overflow-x-auto border-b border-line px-3 md:px-5">
      {children}
    </nav>
  );
}
