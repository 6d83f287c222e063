import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import { classes } from "./classes.ts";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  description?: ReactNode | undefined;
  wide?: boolean;
  children: ReactNode;
  /** Buttons, the main one last. */
  footer?: ReactNode;
}

export function Dialog({ open, onClose, title, description, wide = false, children, footer }: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={(next) => next || onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-scrim transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Base.Popup
          className={classes(
            "fixed top-1/2 left-1/2 z-40 flex max-h-[calc(100dvh-32px)] -translate-x-1/2 -translate-y-1/2 flex-col rounded-lg border border-line bg-raised shadow-float",
            "transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0",
            wide ? "w-[min(760px,calc(100vw-24px))]" : "w-[min(480px,calc(100vw-24px))]",
          )}
        >
          <div className="flex items-start justify-between gap-4 px-5 pt-4 pb-3">
            <div className="min-w-0">
              <Base.Title className="text-lg font-semibold">{title}</Base.Title>
              {description !== undefined && <Base.Description className="text-muted">{description}</Base.Description>}
            </div>
            <Base.Close
              aria-label="Close"
              className="-mr-1 inline-flex size-8 items-center justify-center rounded-md text-faint hover:bg-hover hover:text-text"
            >
              <X aria-hidden size={16} />
            </Base.Close>
          </div>
          {/* On a small window it scrolls: by the keyboard too. */}
          <div tabIndex={0} className="min-h-0 flex-1 overflow-y-auto px-5 pb-5 -outline-offset-2">
            {children}
          </div>
          {footer !== undefined && (
            <div className="flex flex-wrap justify-end gap-2 border-t border-line px-5 py-3">{footer}</div>
          )}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
