import type { FleetAction, FleetPreview, FleetView } from "@provost/contract";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api } from "../api/client.ts";
import { fleetActionWords } from "../fleets/actions.ts";
import { count, counted } from "../format/numbers.ts";
import { Tag } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Field, TextInput } from "../ui/field.tsx";
import { Skeleton } from "../ui/skeleton.tsx";

/** The instances meant: by name or id, or all that a filter fits. */
export type Target = { instances: string[] } | { filter: string };

interface BulkDialogProps {
  action: FleetAction;
  target: Target;
  onClose: () => void;
  onBegun: () => void;
}

/** Shows how many and which instances a command would reach, and begins it for exactly those. */
export function BulkDialog({ action, target, onClose, onBegun }: BulkDialogProps) {
  const navigate = useNavigate();
  const [type, setType] = useState("");
  const [typed, setTyped] = useState("");
  const words = fleetActionWords[action];
  const preview = useQuery({
    queryKey: ["fleet-preview", action, target],
    queryFn: ({ signal }) => api.post<FleetPreview>("fleets/preview", { action, ...target }, { signal }),
    gcTime: 0,
    staleTime: Infinity,
  });
  const begin = useMutation({
    mutationFn: (confirmed: FleetPreview) =>
      api.post<FleetView>("fleets", {
        action,
        ...target,
        preview: confirmed.preview,
        ...(action === "resize" ? { type } : {}),
      }),
    onSuccess: ({ id }) => {
      onBegun();
      void navigate({ to: "/fleets/$id", params: { id } });
    },
  });
  const { data } = preview;
  const confirmed = words.danger === true ? typed === String(data?.count) : true;
  const ready = data !== undefined && confirmed && (action !== "resize" || type !== "");
  return (
    <Dialog
      open
      onClose={onClose}
      title={data === undefined ? words.label : `${words.label} ${counted(data.count, "instance")}`}
      description={words.tells}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind={words.danger === true ? "danger" : "primary"}
            disabled={!ready}
            busy={begin.isPending}
            onClick={() => data && begin.mutate(data)}
          >
            {words.label} {data === undefined ? "" : count(data.count)}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {preview.isPending && <Skeleton className="h-16" />}
        {preview.error !== null && <ErrorNote error={preview.error} retry={() => void preview.refetch()} />}
        {data !== undefined && <Sample {...data} />}
        {action === "resize" && (
          <Field label="New plan" htmlFor="bulk-type" hint="As the provider's catalog names it, like g6-standard-1">
            <TextInput id="bulk-type" value={type} onChange={setType} aria-describedby="bulk-type-hint" />
          </Field>
        )}
        {data !== undefined && words.danger === true && (
          <Field label={`Type ${data.count} to confirm`} htmlFor="bulk-count">
            <TextInput id="bulk-count" value={typed} onChange={setTyped} inputMode="numeric" autoComplete="off" />
          </Field>
        )}
        {begin.error !== null && <ErrorNote error={begin.error} />}
      </div>
    </Dialog>
  );
}

function Sample({ count: total, sample }: FleetPreview) {
  return (
    <div className="flex max-h-40 flex-wrap gap-1.5 overflow-y-auto">
      {sample.map(({ id, name, status }) => (
        <Tag key={id} title={status}>
          {name}
        </Tag>
      ))}
      {total > sample.length && <span className="text-muted">and {count(total - sample.length)} more</span>}
    </div>
  );
}
