import { Pause, Play } from "lucide-react";
import { useMutation } from "@tanstack/react-query";
import { Button, IconButton } from "../ui/button.tsx";
import { toastDone, toastError } from "../ui/toast-store.ts";
import { pauseQueue } from "./queries.ts";

/** Pauses a queue, or resumes it; both are undone by the other. */
export function PauseButton({ name, paused, icon = false }: { name: string; paused: boolean; icon?: boolean }) {
  const act = useMutation({
    mutationFn: () => pauseQueue(name, !paused),
    onSuccess: () =>
      toastDone(
        paused ? `${name} goes on` : `${name} is paused`,
        paused ? undefined : "What runs goes on to its end; nothing else of it starts.",
      ),
    onError: toastError,
  });
  const look = { icon: paused ? Play : Pause, busy: act.isPending, onClick: () => act.mutate() };
  if (icon) return <IconButton {...look} label={paused ? `Resume ${name}` : `Pause ${name}`} />;
  return <Button {...look}>{paused ? "Resume" : "Pause"}</Button>;
}
