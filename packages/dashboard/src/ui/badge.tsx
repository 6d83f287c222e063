import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { classes } from "./classes.ts";

/** What a colour means, always beside an icon and a word. */
export type Tone = "good" | "warn" | "bad" | "busy" | "idle";

const tones: Record<Tone, string> = {
  good: "text-good",
  warn: "text-warn",
  bad: "text-bad",
  busy: "text-busy",
  idle: "text-muted",
};
const fills: Record<Tone, string> = {
  good: "bg-good-soft",
  warn: "bg-warn-soft",
  bad: "bg-bad-soft",
  busy: "bg-busy-soft",
  idle: "bg-idle-soft",
};

interface StatusProps {
  tone: Tone;
  icon: LucideIcon;
  /** Turns the icon: something is under way. */
  turning?: boolean;
  /** With a filled ground, where it stands alone. */
  filled?: boolean;
  title?: string | undefined;
  children: ReactNode;
}

/** A state as icon, word and colour. */
export function StatusBadge({ tone, icon: Icon, turning = false, filled = false, title, children }: StatusProps) {
  return (
    <span
      title={title}
      className={classes(
        "inline-flex max-w-full min-w-0 items-center gap-1.5 align-middle whitespace-nowrap font-medium",
        tones[tone],
        filled && classes("h-6 rounded-md px-2 text-xs", fills[tone]),
      )}
    >
      <Icon aria-hidden size={14} strokeWidth={2.25} className={classes("shrink-0", turning && "animate-turn")} />
      <span className="truncate">{children}</span>
    </span>
  );
}

/** A word set apart: a role, a kind, a label. */
export function Tag({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span
      title={title}
      className="inline-flex h-5 items-center rounded-sm border border-line bg-panel px-1.5 text-xs whitespace-nowrap text-muted"
    >
      {children}
    </span>
  );
}
