import type { BackupView, Instance, TaskView } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { Tag } from "../ui/badge.tsx";
import { Confirm } from "../ui/confirm.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { Skeleton } from "../ui/skeleton.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { ApiError } from "../api/problem.ts";
import { showTask } from "./show-task.ts";
import { backupsQuery } from "./queries.ts";

/** Puts the disks back to a backup: what was written since is lost, so the name is typed. */
export function RestoreDialog({ instance, onClose }: { instance: Instance; onClose: () => void }) {
  const [backup, setBackup] = useState("");
  const { data, error } = useQuery(backupsQuery(instance.id));
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Restore ${instance.name}`}
      action="Restore"
      danger
      typed={instance.name}
      run={async () => {
        if (backup === "") throw nothingChosen();
        await api.post<TaskView>(`instances/${part(instance.id)}/restore`, { backup });
        await showTask(instance.id);
        toastDone(`Restoring ${instance.name}`);
      }}
    >
      <p>Its disks are put back to a backup. What was written since then is lost.</p>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Skeleton className="h-16" />}
      {data?.length === 0 && <p>There is no backup yet: take a snapshot first.</p>}
      <div role="radiogroup" aria-label="Backups" className="flex flex-col">
        {data?.toReversed().map((each) => (
          <BackupChoice key={each.id} backup={each} chosen={each.id === backup} onChoose={() => setBackup(each.id)} />
        ))}
      </div>
    </Confirm>
  );
}

function nothingChosen(): ApiError {
  return new ApiError({
    status: 0,
    code: "invalid_request",
    title: "No backup is chosen",
    detail: "Choose one above.",
  });
}

interface BackupChoiceProps {
  backup: BackupView;
  chosen: boolean;
  onChoose: () => void;
}

function BackupChoice({ backup: { label, kind, status, createdAt }, chosen, onChoose }: BackupChoiceProps) {
  return (
    <label className="flex h-9 items-center gap-2.5 border-b border-line text-text">
      <input
        type="radio"
        name="backup"
        className="size-4 accent-accent"
        checked={chosen}
        disabled={status !== "available"}
        onChange={onChoose}
      />
      <span className="flex-1 truncate">{label}</span>
      <Tag>{kind}</Tag>
      {status !== "available" && <span className="text-warn">{status}</span>}
      <RelativeTime at={createdAt} />
    </label>
  );
}
