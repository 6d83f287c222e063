import { CircleCheck, CircleX, X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { currentToasts, dropToast, holdToasts, watchToasts, type Toast } from "./toast-store.ts";

/** The news at the corner. The region is always there: what comes into it is read out. */
export function Toasts() {
  const toasts = useSyncExternalStore(watchToasts, currentToasts);
  return (
    <div
      role="region"
      aria-label="News"
      aria-live="polite"
      onPointerEnter={() => holdToasts(true)}
      onPointerLeave={() => holdToasts(false)}
      onFocus={() => holdToasts(true)}
      onBlur={() => holdToasts(false)}
      className="pointer-events-none fixed right-4 bottom-4 z-50 flex w-[min(380px,calc(100vw-32px))] flex-col gap-2"
    >
      {toasts.map((toast) => (
        <Row key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function Row({ toast: { id, title, description, type } }: { toast: Toast }) {
  const Icon = type === "error" ? CircleX : CircleCheck;
  return (
    <div
      role={type === "error" ? "alert" : "status"}
      className="pointer-events-auto flex items-start gap-2.5 rounded-lg border border-line bg-raised p-3 shadow-float starting:opacity-0 transition-opacity"
    >
      <Icon aria-hidden size={16} className={type === "error" ? "mt-0.5 text-bad" : "mt-0.5 text-good"} />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{title}</p>
        {description !== undefined && <p className="break-words text-muted">{description}</p>}
      </div>
      <button
        type="button"
        aria-label="Close"
        onClick={() => dropToast(id)}
        className="-m-1 inline-flex size-7 shrink-0 items-center justify-center rounded-md text-faint hover:bg-hover hover:text-text"
      >
        <X aria-hidden size={14} />
      </button>
    </div>
  );
}
