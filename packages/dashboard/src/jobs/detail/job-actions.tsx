import type { JobAction, JobDetail } from "@provost/contract";
import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { ApiError } from "../../api/problem.ts";
import { useMay } from "../../api/session.ts";
import { Button } from "../../ui/button.tsx";
import { Confirm } from "../../ui/confirm.tsx";
import { Menu } from "../../ui/menu.tsx";
import { toastDone } from "../../ui/toast-store.ts";
import { actsOf, actWords } from "../act-words.ts";
import { actOn, readAgain } from "../acts.ts";
import { MoveFields, moveTo, type MoveText } from "../move-fields.tsx";

interface JobActionsProps {
  job: JobDetail;
  onAct: (action: JobAction) => void;
}

/** What its status allows: run now and retry as buttons, the rest in the menu. */
export function JobActions({ job, onAct }: JobActionsProps) {
  const mayAct = useMay("operator");
  const acts = actsOf(job);
  if (!mayAct || acts.length === 0) return null;
  const quick = acts.filter((action) => action === "run-now" || action === "retry");
  const rest = acts.filter((action) => action !== "run-now" && action !== "retry");
  return (
    <>
      {quick.map((action) => (
        <Button key={action} icon={actWords[action].icon} onClick={() => onAct(action)}>
          {actWords[action].label}
        </Button>
      ))}
      {rest.length > 0 && (
        <Menu
          trigger={<Button icon={ChevronDown}>Actions</Button>}
          items={rest.map((action) => ({
            label: actWords[action].label,
            icon: actWords[action].icon,
            danger: actWords[action].danger === true,
            onSelect: () => onAct(action),
          }))}
        />
      )}
    </>
  );
}

/** Asks once more, for the job alone or with all that stands below it in its flow. */
export function JobActDialog({ job, action, onClose }: { job: JobDetail; action: JobAction; onClose: () => void }) {
  const [below, setBelow] = useState(false);
  const [move, setMove] = useState<MoveText>({ queue: "", priority: "" });
  const { label, tells, danger = false, descendants = false } = actWords[action];
  return (
    <Confirm
      open
      onClose={onClose}
      title={`${label}: ${job.name} ${job.id}`}
      // The dialog itself has a "Cancel".
      action={action === "cancel" ? "Cancel the job" : label}
      danger={danger}
      run={async () => {
        const to = action === "move" ? moveTo(move) : {};
        if (to === undefined) throw nothingSaid();
        const acted = await actOn(job.id, action, { ...to, ...(below ? { descendants: true } : {}) });
        toastDone(`${label}: ${job.name}`, resultWords(acted.state, acted.descendants ?? 0));
        await readAgain();
      }}
    >
      <p>{tells}</p>
      {action === "move" && <MoveFields value={move} onChange={setMove} />}
      {descendants && job.flowId !== undefined && (
        <label className="flex items-center gap-2 text-text">
          <input type="checkbox" className="size-4 accent-accent" checked={below} onChange={() => setBelow(!below)} />
          Also all that stands below it in its flow
        </label>
      )}
    </Confirm>
  );
}

function nothingSaid(): ApiError {
  return new ApiError({
    status: 0,
    code: "invalid_request",
    title: "It is not said where to",
    detail: "Choose a queue, give a priority from 0 to 255, or both.",
  });
}

function resultWords(state: "applied" | "requested", below: number): string {
  const also = below === 0 ? "" : ` ${below} below it too.`;
  return (state === "applied" ? "Done." : "It runs, and is asked to end.") + also;
}
