import type { Instance, TaskView } from "@provost/contract";
import { useMutation, useQuery } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { useState } from "react";
import { api, part } from "../api/client.ts";
import { priceIn, whyNot, type Plan } from "../deploy/catalog.ts";
import { PlanTable } from "../deploy/plan-table.tsx";
import { catalogQuery } from "../deploy/queries.ts";
import { megabytes, usd } from "../format/numbers.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import { Skeleton } from "../ui/skeleton.tsx";
import { toastDone } from "../ui/toast-store.ts";
import { showTask } from "./show-task.ts";

/** The plan that it has and the one that it would get, side by side. */
export function ResizeDialog({ instance, onClose }: { instance: Instance; onClose: () => void }) {
  const [type, setType] = useState(instance.type);
  const { data: catalog, error } = useQuery(catalogQuery(instance.provider));
  const now = catalog?.types.find(({ id }) => id === instance.type);
  const next = catalog?.types.find(({ id }) => id === type);
  const resize = useMutation({
    mutationFn: () => api.post<TaskView>(`instances/${part(instance.id)}/resize`, { type }),
    onSuccess: async () => {
      onClose();
      toastDone(`Resizing ${instance.name}`, `To ${next?.label ?? type}`);
      await showTask(instance.id);
    },
  });
  const possible =
    next !== undefined && type !== instance.type && whyNot(next, instance.region, undefined) === undefined;
  return (
    <Dialog
      open
      onClose={onClose}
      wide
      title={`Resize ${instance.name}`}
      description="Where the provider needs it, it is stopped meanwhile and started again."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" disabled={!possible} busy={resize.isPending} onClick={() => resize.mutate()}>
            Resize{possible ? ` to ${next.label}` : ""}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {error !== null && <ErrorNote error={error} />}
        <div className="grid grid-cols-[1fr_auto_1fr] items-center gap-3">
          <PlanSide title="Now" plan={now} fallback={instance.type} region={instance.region} />
          <ArrowRight aria-hidden size={18} className="text-faint" />
          <PlanSide
            title="After"
            plan={type === instance.type ? undefined : next}
            fallback="Choose below"
            region={instance.region}
            before={now}
          />
        </div>
        {catalog === undefined ? (
          <Skeleton className="h-48" />
        ) : (
          <PlanTable plans={catalog.types} region={instance.region} image={undefined} value={type} onChange={setType} />
        )}
        {resize.error !== null && <ErrorNote error={resize.error} />}
      </div>
    </Dialog>
  );
}

interface PlanSideProps {
  title: string;
  plan: Plan | undefined;
  fallback: string;
  region: string;
  /** What it is compared with. */
  before?: Plan | undefined;
}

function PlanSide({ title, plan, fallback, region, before }: PlanSideProps) {
  const price = plan && priceIn(plan, region).monthlyUsd;
  const was = before && priceIn(before, region).monthlyUsd;
  const difference = price === undefined || was === undefined ? undefined : price - was;
  return (
    <section className="rounded-md border border-line p-3">
      <h3 className="text-xs text-faint">{title}</h3>
      <p className="font-semibold">{plan?.label ?? fallback}</p>
      {plan !== undefined && (
        <>
          <p className="text-muted">
            {plan.vcpus} vCPU · {megabytes(plan.memoryMb)}
            {plan.diskGb > 0 && ` · ${plan.diskGb} GB disk`}
          </p>
          <p>
            <span className="font-medium">{usd(price)}</span> a month
            {difference !== undefined && difference !== 0 && (
              <span className={difference > 0 ? "text-warn" : "text-good"}>
                {" "}
                ({difference > 0 ? "+" : "−"}
                {usd(Math.abs(difference))})
              </span>
            )}
          </p>
        </>
      )}
    </section>
  );
}
