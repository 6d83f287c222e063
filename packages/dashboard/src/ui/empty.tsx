import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { CopyButton } from "./copy.tsx";

/** A shell command to be copied. */
export function Command({ text }: { text: string }) {
  return (
    <span className="inline-flex max-w-full items-center gap-1 rounded-md border border-line bg-panel py-0.5 pr-1 pl-3">
      <code className="truncate font-mono text-xs">{text}</code>
      <CopyButton text={text} label="the command" />
    </span>
  );
}

interface EmptyProps {
  icon: LucideIcon;
  title: string;
  /** Why there is nothing, and what comes next. */
  children: ReactNode;
  /** The same on the command line. */
  command?: string;
  action?: ReactNode;
}

/** Nothing here yet: says what comes next. */
export function Empty({ icon: Icon, title, children, command, action }: EmptyProps) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-center gap-3 px-6 py-16 text-center">
      <Icon aria-hidden size={24} strokeWidth={1.5} className="text-faint" />
      <div>
        <h2 className="text-base font-semibold">{title}</h2>
        <div className="text-muted">{children}</div>
      </div>
      {action}
      {command !== undefined && <Command text={command} />}
    </div>
  );
}
