import type { Instance, TaskView } from "@provost/contract";
import { CircleCheck, CircleX, Clock, History, LoaderCircle } from "lucide-react";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { useMay } from "../api/session.ts";
import { exactDuration } from "../format/time.ts";
import { useKeysetList } from "../list/use-keyset-list.ts";
import { StatusBadge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { toastError } from "../ui/toast-store.ts";
import { taskList } from "./queries.ts";
import { showTask } from "./show-task.ts";

const looks = {
  waiting: { tone: "idle", icon: Clock, turning: false },
  running: { tone: "busy", icon: LoaderCircle, turning: true },
  done: { tone: "good", icon: CircleCheck, turning: false },
  failed: { tone: "bad", icon: CircleX, turning: false },
} as const;

/** What was done with the instance after its deploy, the newest first. */
export function TasksTab({ instance }: { instance: Instance }) {
  const list = useKeysetList(taskList(instance.id));
  if (list.isPending) return <SkeletonRows rows={4} />;
  if (list.error !== null) return <ErrorNote error={list.error} retry={list.retry} />;
  if (list.rows.length === 0) {
    return (
      <Empty
        icon={History}
        title="Nothing has been done with it yet"
        command={`npx provost instance reboot ${instance.name}`}
      >
        Reboots, resizes, snapshots and restores show up here, with their steps and what went wrong.
      </Empty>
    );
  }
  return (
    <div className="flex flex-col">
      <ul aria-label="Operations">
        {list.rows.map((task) => (
          <TaskRow key={task.id} task={task} />
        ))}
      </ul>
      {list.hasMore && (
        <Button kind="quiet" busy={list.isLoadingMore} onClick={list.loadMore} className="m-3 self-center">
          Load more
        </Button>
      )}
    </div>
  );
}

function TaskRow({ task }: { task: TaskView }) {
  const [open, setOpen] = useState(task.status === "failed");
  const { tone, icon, turning } = looks[task.status];
  const { failure } = task;
  const mayAct = useMay("operator");
  const took =
    task.startedAt === undefined || task.endedAt === undefined
      ? undefined
      : exactDuration(Date.parse(task.endedAt) - Date.parse(task.startedAt));
  return (
    <li className="border-b border-line px-4 py-2.5 md:px-6">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <span className="w-24">
          <StatusBadge tone={tone} icon={icon} turning={turning}>
            {task.status}
          </StatusBadge>
        </span>
        <span className="font-medium">{task.kind}</span>
        <span className="flex-1 truncate text-muted">{taskWords(task)}</span>
        {task.status === "waiting" && mayAct && (
          <Button kind="quiet" onClick={() => void takeBack(task)}>
            Take it back
          </Button>
        )}
        {failure !== undefined && (
          <Button kind="quiet" aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? "Hide why" : "Why?"}
          </Button>
        )}
        <span className="text-muted">{took}</span>
        <span className="w-20 text-right text-muted">
          <RelativeTime at={task.createdAt} />
        </span>
      </div>
      {open && failure !== undefined && (
        <div className="mt-2 max-w-3xl rounded-md bg-bad-soft p-3">
          <p className="font-medium">{failure.message}</p>
          <p>{failure.whatToDo}</p>
          {failure.state !== undefined && <p className="text-muted">{failure.state}</p>}
          {failure.providerMessage !== undefined && <p className="text-muted">“{failure.providerMessage}”</p>}
          <p className="font-mono text-xs text-muted">
            {failure.code} · {failure.step} {failure.providerRequestId}
          </p>
        </div>
      )}
    </li>
  );
}

/** A task that still waits for the instance to be free is not done. */
async function takeBack({ id, instanceId }: TaskView): Promise<void> {
  try {
    await api.post(`tasks/${part(id)}/cancel`);
    await showTask(instanceId);
  } catch (error) {
    toastError(error);
  }
}

function taskWords({ kind, before, type, step, undoing, label, backupId, requestedBy, fleetId }: TaskView): string {
  const what =
    kind === "resize"
      ? `${before?.type ?? "?"} → ${type ?? "?"}`
      : kind === "restore"
        ? `from ${backupId ?? "?"}`
        : (label ?? "");
  const now = step === undefined ? "" : `${undoing === true ? "undoing: " : ""}${step}`;
  const who = [requestedBy && `by ${requestedBy}`, fleetId && "in a fleet"].filter(Boolean).join(", ");
  return [what, now, who].filter((words) => words !== "").join(" · ");
}
