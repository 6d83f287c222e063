import type { JobAction, JobFilter, JobsActed, JobsActPreview } from "@provost/contract";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { count, counted } from "../format/numbers.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Field, TextInput } from "../ui/field.tsx";
import { Skeleton } from "../ui/skeleton.tsx";
import { actedWords, actWords } from "./act-words.ts";
import { actOnAll, actOnEach, previewAct, readAgain, type ActOptions } from "./acts.ts";
import { JobStatusBadge } from "./status.tsx";
import { MoveFields, moveTo, type MoveText } from "./move-fields.tsx";
import type { JobStatusName } from "./words.ts";

/** The jobs meant: these, or all that a filter fits. */
export type Target = { ids: string[] } | { filter: JobFilter };

interface ActDialogProps {
  action: JobAction;
  target: Target;
  onClose: () => void;
  /** Closed when it has been done. */
  onDone: () => void;
}

/** Says how many jobs an act would reach, has that confirmed, and says what came of it. */
export function ActDialog({ action, target, onClose, onDone }: ActDialogProps) {
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  const [move, setMove] = useState<MoveText>({ queue: "", priority: "" });
  const [done, setDone] = useState(0);
  const words = actWords[action];
  const to = action === "move" ? moveTo(move) : {};
  const preview = useActPreview(action, target, to);
  const total = "ids" in target ? target.ids.length : preview.data?.count;
  const act = useMutation({
    mutationFn: () =>
      "ids" in target
        ? actOnEach(action, target.ids, to ?? {}, setDone)
        : actOnAll(action, target.filter, to ?? {}, confirmed(preview.data)),
    onSettled: async () => {
      // The list is read anew, as its rows may have left it.
      await Promise.all([readAgain(), client.refetchQueries({ queryKey: ["list", "jobs"] })]);
    },
  });
  if (act.data !== undefined) return <Outcome label={words.label} acted={act.data} onClose={onDone} />;
  const sure = words.danger === true ? typed === String(total) : true;
  const verb = total === undefined ? words.label : `${words.label} ${count(total)}`;
  return (
    <Dialog
      open
      onClose={onClose}
      title={total === undefined ? words.label : `${words.label}: ${counted(total, "job")}`}
      description={words.tells}
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            kind={words.danger === true ? "danger" : "primary"}
            disabled={total === undefined || total === 0 || !sure || to === undefined}
            busy={act.isPending}
            onClick={() => act.mutate()}
          >
            {act.isPending && "ids" in target ? `${count(done)} of ${count(target.ids.length)}` : verb}
          </Button>
        </>
      }
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (total !== undefined && total > 0 && sure && to !== undefined && !act.isPending) act.mutate();
        }}
      >
        {action === "move" && <MoveFields value={move} onChange={setMove} />}
        {"filter" in target && <Sample {...preview} />}
        {total !== undefined && total > 0 && words.danger === true && (
          <Field label={`Type ${total} to confirm`} htmlFor="act-count">
            <TextInput id="act-count" value={typed} onChange={setTyped} inputMode="numeric" autoComplete="off" />
          </Field>
        )}
        {act.error !== null && <ErrorNote error={act.error} />}
      </form>
    </Dialog>
  );
}

function useActPreview(action: JobAction, target: Target, to: ActOptions | undefined) {
  // What is typed into a move settles before the server is asked again.
  const settled = useDeferredValue(JSON.stringify(to ?? null));
  return useQuery({
    queryKey: ["jobs-preview", action, target, settled],
    queryFn: ({ signal }) => previewAct(action, "filter" in target ? target.filter : {}, to ?? {}, signal),
    enabled: "filter" in target && to !== undefined,
    gcTime: 0,
    staleTime: Infinity,
  });
}

function confirmed(preview: JobsActPreview | undefined): JobsActPreview {
  if (preview === undefined) throw new TypeError("An act on all that fit is confirmed by its preview");
  return preview;
}

interface SampleProps {
  data: JobsActPreview | undefined;
  error: Error | null;
  isLoading: boolean;
  refetch: () => unknown;
}

function Sample({ data, error, isLoading, refetch }: SampleProps) {
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return isLoading ? <Skeleton className="h-24" /> : null;
  if (data.count === 0)
    return <p className="text-muted">No job that fits the search is in a status that takes this.</p>;
  return (
    <div className="overflow-hidden rounded-md border border-line">
      <ul className="max-h-44 overflow-y-auto">
        {data.sample.map(({ id, name, status }) => (
          <li
            key={id}
            className="flex items-center justify-between gap-3 border-b border-line px-3 py-1.5 last:border-b-0"
          >
            <span className="truncate">
              {name} <span className="font-mono text-xs text-faint">{id}</span>
            </span>
            {/* oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the contract has it as text */}
            <JobStatusBadge status={status as JobStatusName} />
          </li>
        ))}
      </ul>
      {data.count > data.sample.length && (
        <p className="border-t border-line bg-panel px-3 py-1.5 text-xs text-muted">
          The newest {data.sample.length} of {count(data.count)}
        </p>
      )}
    </div>
  );
}

function Outcome({ label, acted, onClose }: { label: string; acted: JobsActed; onClose: () => void }) {
  const reasons = Object.entries(acted.reasons).toSorted(([, one], [, other]) => other - one);
  return (
    <Dialog
      open
      onClose={onClose}
      title={`${label}: ${counted(acted.matched, "job")}`}
      footer={
        <Button kind="primary" onClick={onClose} autoFocus>
          Done
        </Button>
      }
    >
      <p role="status" className="font-medium">
        {actedWords(acted)}
      </p>
      {reasons.length > 0 && (
        <ul className="mt-2 flex max-h-44 flex-col gap-1 overflow-y-auto text-muted">
          {reasons.map(([reason, jobs]) => (
            <li key={reason}>
              {count(jobs)} × {reason}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
