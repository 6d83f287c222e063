import { useId, type ReactNode } from "react";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { ErrorNote } from "./error-note.tsx";

interface FormDialogProps {
  title: string;
  description?: string;
  /** The verb on the button. */
  action: string;
  onClose: () => void;
  onSubmit: () => void;
  /** Something that must be filled in is not. */
  incomplete: boolean;
  busy: boolean;
  /** What the server said to it; null when nothing. */
  error: unknown;
  children: ReactNode;
}

/** A dialog that is a form: its fields, what went wrong, and the one button that sends it. */
export function FormDialog(props: FormDialogProps) {
  const { title, description, action, onClose, onSubmit, incomplete, busy, error, children } = props;
  const id = useId();
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      description={description}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={id} kind="primary" busy={busy} disabled={incomplete}>
            {action}
          </Button>
        </>
      }
    >
      <form
        id={id}
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
        {error !== null && <ErrorNote error={error} />}
      </form>
    </Dialog>
  );
}
