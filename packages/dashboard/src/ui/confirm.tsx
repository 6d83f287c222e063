import { useId, useState, type ReactNode } from "react";
import { asApiError, type ApiError } from "../api/problem.ts";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { ErrorNote } from "./error-note.tsx";
import { TextInput } from "./field.tsx";

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** What will happen, and what can't be undone. */
  children: ReactNode;
  /** The verb on the button. */
  action: string;
  danger?: boolean;
  /** Has to be typed first. */
  typed?: string;
  /** Rejects with what went wrong, which is shown; the dialog closes when it is done. */
  run: () => Promise<unknown>;
}

/** Asks once more before something that cannot be taken back. */
export function Confirm({ open, onClose, title, children, action, danger = false, typed, run }: ConfirmProps) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const id = useId();
  const close = (): void => {
    setText("");
    setError(undefined);
    onClose();
  };
  const act = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await run();
      close();
    } catch (thrown) {
      setError(asApiError(thrown));
    } finally {
      setBusy(false);
    }
  };
  const allowed = typed === undefined || text.trim() === typed;
  return (
    <Dialog open={open} onClose={close} title={title}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (allowed && !busy) void act();
        }}
      >
        <div className="flex flex-col gap-2 text-muted">{children}</div>
        {typed !== undefined && (
          <label htmlFor={id} className="flex flex-col gap-1.5">
            <span>
              Type <strong className="font-mono font-semibold break-all">{typed}</strong> to confirm
            </span>
            <TextInput id={id} value={text} onChange={setText} autoComplete="off" spellCheck={false} autoFocus />
          </label>
        )}
        {error !== undefined && <ErrorNote error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={close}>Cancel</Button>
          <Button type="submit" kind={danger ? "danger" : "primary"} disabled={!allowed} busy={busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
