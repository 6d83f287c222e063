import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { classes } from "./classes.ts";

type Kind = "primary" | "plain" | "quiet" | "danger";

const looks: Record<Kind, string> = {
  primary: "bg-accent text-white hover:bg-accent-hover border-transparent",
  plain: "bg-raised text-text border-line-strong hover:bg-hover",
  quiet: "bg-transparent text-muted border-transparent hover:bg-hover hover:text-text",
  danger: "bg-raised text-bad border-line-strong hover:bg-bad-soft hover:border-bad",
};

/** The look of a button, for links that are one. */
export function buttonClass(kind: Kind = "plain", square = false): string {
  return classes(
    "inline-flex h-8 shrink-0 items-center justify-center gap-1.5 rounded-md border text-sm font-medium whitespace-nowrap select-none",
    "disabled:cursor-not-allowed disabled:opacity-55 data-disabled:cursor-not-allowed data-disabled:opacity-55",
    square ? "w-8" : "px-3",
    looks[kind],
  );
}

interface ButtonProps extends ComponentProps<"button"> {
  kind?: Kind;
  icon?: LucideIcon;
  /** It is at work: it cannot be pressed twice. */
  busy?: boolean;
  children?: ReactNode;
}

export function Button({ kind = "plain", icon: Icon, busy = false, className, children, ...rest }: ButtonProps) {
  const Shown = busy ? LoaderCircle : Icon;
  return (
    <button
      type="button"
      {...rest}
      className={classes(buttonClass(kind, children === undefined), className)}
      disabled={rest.disabled === true || busy}
      aria-busy={busy}
    >
      {Shown && <Shown aria-hidden size={15} className={busy ? "animate-turn" : undefined} />}
      {children}
    </button>
  );
}

/** A button that is an icon only: its label is read aloud and shown on hover. */
export function IconButton({ label, ...rest }: Omit<ButtonProps, "children"> & { label: string; icon: LucideIcon }) {
  return <Button kind="quiet" {...rest} aria-label={label} title={label} />;
}
