import type { ScheduleView } from "@provost/contract";
import { useMutation } from "@tanstack/react-query";
import { Pause, Play, Zap } from "lucide-react";
import { useMay } from "../api/session.ts";
import { Button } from "../ui/button.tsx";
import { toastDone, toastError } from "../ui/toast-store.ts";
import { pauseSchedule, runSchedule, runWords } from "./queries.ts";

/** Run now, and pause or resume: none of them needs asking twice. */
export function ScheduleActions({ schedule: { name, state } }: { schedule: ScheduleView }) {
  const mayAct = useMay("operator");
  const run = useMutation({
    mutationFn: () => runSchedule(name),
    onSuccess: (ran) => toastDone(`Run ${name}`, runWords(ran)),
    onError: toastError,
  });
  const pause = useMutation({
    mutationFn: () => pauseSchedule(name, state === "active"),
    onSuccess: () =>
      toastDone(
        state === "active" ? `${name} is paused` : `${name} goes on`,
        state === "active" ? "Runs under way go on." : "From its next due time on.",
      ),
    onError: toastError,
  });
  if (!mayAct || state === "unwanted") return null;
  return (
    <>
      <Button icon={Zap} busy={run.isPending} onClick={() => run.mutate()}>
        Run now
      </Button>
      <Button icon={state === "active" ? Pause : Play} busy={pause.isPending} onClick={() => pause.mutate()}>
        {state === "active" ? "Pause" : "Resume"}
      </Button>
    </>
  );
}
