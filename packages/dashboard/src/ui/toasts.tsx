import { Toast } from "@base-ui/react/toast";
import { CircleCheck, CircleX, X } from "lucide-react";
import { asApiError } from "../api/problem.ts";

/** Short news about what was just done. `type: "error"` stays longer and is read out at once. */
export const toasts = Toast.createToastManager();

/** What a failed action says. */
export function toastError(error: unknown): void {
  const { title, detail } = asApiError(error);
  toasts.add({ title, description: detail, type: "error", priority: "high", timeout: 12_000 });
}

export function toastDone(title: string, description?: string): void {
  toasts.add({ title, ...(description === undefined ? {} : { description }), type: "done" });
}

function Shown() {
  return Toast.useToastManager().toasts.map((toast) => {
    const Icon = toast.type === "error" ? CircleX : CircleCheck;
    return (
      <Toast.Root
        key={toast.id}
        toast={toast}
        className="flex w-full items-start gap-2.5 rounded-lg border border-line bg-raised p-3 shadow-float transition-opacity data-ending-style:opacity-0 data-starting-style:opacity-0"
      >
        <Icon aria-hidden size={16} className={toast.type === "error" ? "mt-0.5 text-bad" : "mt-0.5 text-good"} />
        <div className="min-w-0 flex-1">
          <Toast.Title className="font-medium" />
          <Toast.Description className="break-words text-muted" />
        </div>
        <Toast.Close
          aria-label="Close"
          className="-m-1 inline-flex size-7 items-center justify-center rounded-md text-faint hover:bg-hover hover:text-text"
        >
          <X aria-hidden size={14} />
        </Toast.Close>
      </Toast.Root>
    );
  });
}

export function Toasts() {
  return (
    <Toast.Provider toastManager={toasts} timeout={5_000} limit={4}>
      <Toast.Portal>
        <Toast.Viewport className="fixed right-4 bottom-4 z-50 flex w-[min(380px,calc(100vw-32px))] flex-col gap-2">
          <Shown />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}
