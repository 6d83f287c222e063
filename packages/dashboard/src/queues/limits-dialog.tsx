import type { QueueView } from "@provost/contract";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Field, TextInput } from "../ui/field.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { changeOf, limitFields, limitNames, problemOf, textOf } from "./limits.ts";
import { changeQueue } from "./queries.ts";

/** Sets what holds a queue back. What others change meanwhile stays, unless it is the same limit. */
export function LimitsDialog({ queue, onClose }: { queue: QueueView; onClose: () => void }) {
  const [limits] = useState(queue.limits);
  const [text, setText] = useState(textOf(limits));
  const change = changeOf(limits, text);
  const changed = Object.keys(change).length;
  const wrong = limitNames.some((name) => problemOf(name, text[name]) !== undefined);
  const save = useMutation({
    mutationFn: () => changeQueue(queue.name, change),
    onSuccess: () => {
      toastDone(`Limits of ${queue.name} are set`, "They hold for every process on every host.");
      onClose();
    },
  });
  return (
    <Dialog
      open
      onClose={onClose}
      wide
      title={`Limits of ${queue.name}`}
      description="Empty fields hold nothing back. What runs now goes on to its end."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="limits" kind="primary" disabled={wrong || changed === 0} busy={save.isPending}>
            Set {changed > 0 && changed}
          </Button>
        </>
      }
    >
      <form
        id="limits"
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrong && changed > 0) save.mutate();
        }}
      >
        <div className="grid gap-4 sm:grid-cols-2">
          {limitNames.map((name) => {
            const problem = problemOf(name, text[name]);
            return (
              <Field
                key={name}
                label={limitFields[name].label}
                htmlFor={`limit-${name}`}
                hint={limitFields[name].hint}
                error={problem}
              >
                <TextInput
                  id={`limit-${name}`}
                  value={text[name]}
                  onChange={(value) => setText({ ...text, [name]: value })}
                  inputMode="decimal"
                  autoComplete="off"
                  placeholder={limitFields[name].unset ?? "no limit"}
                  aria-invalid={problem !== undefined}
                  aria-describedby={`limit-${name}-hint`}
                />
              </Field>
            );
          })}
        </div>
        {save.error !== null && <ErrorNote error={save.error} />}
      </form>
    </Dialog>
  );
}
