import type { Instance } from "@provost/contract";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Workflow } from "lucide-react";
import { Empty } from "../ui/empty.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { SkeletonRows } from "../ui/skeleton.tsx";
import { LogView } from "./log-view.tsx";
import { logLines } from "./log-text.ts";
import { eventsQuery } from "./queries.ts";
import { timelineOf } from "./timeline.ts";
import { TimelineView } from "./timeline-view.tsx";

/** The deploy step by step, and the log of the step that is chosen. */
export function ProvisioningTab({ instance }: { instance: Instance }) {
  const { step } = useSearch({ from: "/instances/$ref" });
  const navigate = useNavigate();
  const { data: events, error, refetch } = useQuery(eventsQuery(instance.id));
  if (events === undefined) {
    return error === null ? <SkeletonRows /> : <ErrorNote error={error} retry={() => void refetch()} />;
  }
  const steps = timelineOf(instance, events);
  if (steps === undefined) {
    return (
      <Empty icon={Workflow} title="It was not deployed here">
        It was adopted as it stood: there is no first boot to tell of. What is done with it is under Operations.
      </Empty>
    );
  }
  const chosen = steps.find(({ id }) => id === step);
  const lines = logLines(chosen?.events ?? events);
  const choose = (id: string): void =>
    void navigate({
      to: "/instances/$ref",
      params: { ref: instance.id },
      search: (before) => ({ ...before, step: id === step ? undefined : id }),
      replace: true,
    });
  return (
    <div className="grid gap-6 p-4 md:p-6 xl:grid-cols-[minmax(320px,420px)_minmax(0,1fr)]">
      <section aria-label="Steps" className="flex flex-col gap-3">
        <TimelineView steps={steps} chosen={chosen?.id} onChoose={choose} failure={instance.failure} />
        {instance.flowId !== undefined && (
          <p className="flex items-center gap-1 text-xs text-muted">
            Job flow
            <Link
              to="/jobs/$id"
              params={{ id: instance.flowId }}
              search={{ tab: "flow" }}
              className="font-mono text-accent-text hover:underline"
            >
              {instance.flowId}
            </Link>
          </p>
        )}
      </section>
      <LogView
        lines={lines}
        name={`${instance.name}${chosen === undefined ? "" : `-${chosen.id}`}.log`}
        title={chosen === undefined ? "Log" : `Log of “${chosen.label}”`}
        live={instance.task !== undefined}
      />
    </div>
  );
}
