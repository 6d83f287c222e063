import type { Instance, InstanceEvent } from "@provost/contract";

/** A deploy in its steps, as the instance's events tell it. */
export interface TimelineStep {
  id: "request" | "create" | "start" | "booting" | "configuring" | "ready";
  label: string;
  state: "done" | "running" | "failed" | "pending";
  startedAt: number | undefined;
  endedAt: number | undefined;
  /** Calls to the provider; 1 unless it had to be asked again. */
  attempts: number;
  /** What was told meanwhile, the first first. */
  events: InstanceEvent[];
}

const order: { id: TimelineStep["id"]; label: string; begins: (event: InstanceEvent) => boolean }[] = [
  { id: "request", label: "Request stored", begins: ({ kind }) => kind === "requested" },
  { id: "create", label: "Create at the provider", begins: ({ kind }) => kind === "creating" },
  { id: "start", label: "Start", begins: ({ kind }) => kind === "accepted" },
  { id: "booting", label: "First boot", begins: ({ kind, stage }) => kind === "stage" && stage === "booting" },
  { id: "configuring", label: "Configure", begins: ({ kind, stage }) => kind === "stage" && stage === "configuring" },
  { id: "ready", label: "Ready", begins: ({ kind, stage }) => kind === "stage" && stage === "ready" },
];

const ends = new Set<InstanceEvent["kind"]>(["provisioned", "failed", "adopted"]);

/** Undefined for what was never deployed here: an adopted server has no such story. */
export function timelineOf(
  instance: Pick<Instance, "status">,
  all: readonly InstanceEvent[],
): TimelineStep[] | undefined {
  const last = all.findIndex(({ kind }) => ends.has(kind));
  const events = last < 0 ? all : all.slice(0, last + 1);
  const end = last < 0 ? undefined : all[last];
  if (!events.some(({ kind }) => kind === "requested")) return undefined;
  const starts = order.map(({ begins }) => events.findIndex(begins));
  const reached = starts.findLastIndex((index) => index >= 0);
  return order.map(({ id, label }, index) => {
    const from = starts[index] ?? -1;
    const next = starts.slice(index + 1).find((each) => each > from);
    const mine = from < 0 ? [] : events.slice(from, next);
    const finish = next === undefined ? end : events[next];
    return {
      id,
      label,
      state: stateOf(index, reached, from, end, instance.status),
      startedAt: from < 0 ? undefined : Date.parse(events[from]?.at ?? ""),
      endedAt: from < 0 || finish === undefined ? undefined : Date.parse(finish.at),
      attempts: attemptsOf(mine),
      events: mine,
    };
  });
}

function stateOf(
  index: number,
  reached: number,
  from: number,
  end: InstanceEvent | undefined,
  status: Instance["status"],
): TimelineStep["state"] {
  if (index > reached) return "pending";
  if (index < reached) return from < 0 ? "pending" : "done";
  if (end?.kind === "failed") return "failed";
  if (end !== undefined) return "done";
  return status === "destroyed" || status === "destroying" ? "failed" : "running";
}

/** The provider is asked once more after an answer that never came: the call's number stands in the note. */
function attemptsOf(events: readonly InstanceEvent[]): number {
  const calls = events.map(({ message }) => Number(/\(call (\d+)\)/.exec(message)?.[1] ?? 1));
  return Math.max(1, ...calls);
}
