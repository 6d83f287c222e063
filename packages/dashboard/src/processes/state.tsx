import type { ProcessView } from "@provost/contract";
import { Activity, LoaderCircle, Moon, Unplug } from "lucide-react";
import { shortDuration } from "../format/time.ts";
import { StatusBadge } from "../ui/badge.tsx";

/** Above this a process counts as gone. */
const goneMs = 30_000;

export function ProcessBadge({ state, leaseAgeMs }: Pick<ProcessView, "state" | "leaseAgeMs">) {
  if (leaseAgeMs > goneMs) {
    return (
      <StatusBadge
        tone="bad"
        icon={Unplug}
        title="It has not told of itself for more than 30 s: what it ran is taken over"
      >
        gone for {shortDuration(leaseAgeMs)}
      </StatusBadge>
    );
  }
  if (state === "running") {
    return (
      <StatusBadge tone="good" icon={Activity}>
        running
      </StatusBadge>
    );
  }
  if (state === "quiet") {
    return (
      <StatusBadge tone="warn" icon={Moon} title="It takes no more jobs until it is resumed">
        quiet
      </StatusBadge>
    );
  }
  return (
    <StatusBadge tone="busy" icon={LoaderCircle} turning title="It has been asked to; it hears of it within 10 s">
      {state}
    </StatusBadge>
  );
}

/** `184 MB`; memory of its whole OS process. */
export function memory(bytes: number | undefined): string {
  return bytes === undefined ? "–" : `${Math.round(bytes / 1_048_576).toLocaleString("en-US")} MB`;
}
