import type { Failure } from "@provost/contract";
import { Circle, CircleCheck, CircleX, LoaderCircle, type LucideIcon } from "lucide-react";
import { useNow } from "../format/clock.ts";
import { absoluteTime, exactDuration, shortDuration } from "../format/time.ts";
import { classes } from "../ui/classes.ts";
import { Tag } from "../ui/badge.tsx";
import type { TimelineStep } from "./timeline.ts";

const looks: Record<TimelineStep["state"], { icon: LucideIcon; className: string; word: string }> = {
  done: { icon: CircleCheck, className: "text-good", word: "done" },
  running: { icon: LoaderCircle, className: "text-busy animate-turn", word: "under way" },
  failed: { icon: CircleX, className: "text-bad", word: "failed" },
  pending: { icon: Circle, className: "text-line-strong", word: "to come" },
};

interface TimelineViewProps {
  steps: readonly TimelineStep[];
  chosen: string | undefined;
  onChoose: (id: string) => void;
  failure: Failure | undefined;
}

/** Each step with what was told and how long it took; pressing one shows its log alone. */
export function TimelineView({ steps, chosen, onChoose, failure }: TimelineViewProps) {
  const over = steps.every(({ state }) => state !== "running");
  const total = (steps.findLast(({ endedAt }) => endedAt !== undefined)?.endedAt ?? 0) - (steps[0]?.startedAt ?? 0);
  return (
    <>
      <ol className="flex flex-col">
        {steps.map((step, index) => (
          <Step
            key={step.id}
            step={step}
            last={index === steps.length - 1}
            chosen={step.id === chosen}
            onChoose={() => onChoose(step.id)}
            requestId={step.state === "failed" ? failure?.providerRequestId : undefined}
          />
        ))}
      </ol>
      {over && total > 0 && <p className="text-muted">{exactDuration(total)} in all</p>}
    </>
  );
}

interface StepProps {
  step: TimelineStep;
  last: boolean;
  chosen: boolean;
  onChoose: () => void;
  requestId: string | undefined;
}

function Step({ step, last, chosen, onChoose, requestId }: StepProps) {
  const { icon: Icon, className, word } = looks[step.state];
  return (
    <li className="relative">
      {!last && <span aria-hidden className="absolute top-7 bottom-[-6px] left-[15px] w-px bg-line-strong" />}
      <button
        type="button"
        aria-pressed={chosen}
        disabled={step.state === "pending"}
        onClick={onChoose}
        className={classes(
          "flex w-full items-start gap-3 rounded-md px-2 py-1.5 text-left",
          chosen ? "bg-accent-soft" : "enabled:hover:bg-hover",
        )}
      >
        <Icon aria-label={word} size={16} className={classes("mt-0.5 shrink-0", className)} />
        <span className="min-w-0 flex-1">
          <span className={classes("block font-medium", step.state === "pending" && "text-faint")}>
            {step.label} {step.attempts > 1 && <Tag>{step.attempts} attempts</Tag>}
          </span>
          {step.events.map(({ seq, message, kind }) => (
            <span key={seq} className={kind === "failed" ? "line-clamp-2 text-bad" : "block text-muted"}>
              {message}
            </span>
          ))}
          {requestId !== undefined && <span className="block font-mono text-xs text-muted">{requestId}</span>}
        </span>
        <StepTime step={step} />
      </button>
    </li>
  );
}

function StepTime({ step: { startedAt, endedAt, state } }: { step: TimelineStep }) {
  const now = useNow();
  if (startedAt === undefined || (endedAt === undefined && state !== "running")) return null;
  return (
    <span title={absoluteTime(startedAt)} className="shrink-0 text-muted">
      {endedAt === undefined ? shortDuration(now - startedAt) : exactDuration(endedAt - startedAt)}
    </span>
  );
}
