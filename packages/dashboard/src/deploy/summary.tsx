import { CircleAlert, CircleCheck } from "lucide-react";
import { usd, usdHour } from "../format/numbers.ts";
import { StatusBadge } from "../ui/badge.tsx";
import { Button } from "../ui/button.tsx";
import { ErrorNote } from "../ui/error-note.tsx";
import type { Ordering } from "./use-order.ts";

interface SummaryProps {
  ordering: Ordering;
  busy: boolean;
  error: unknown;
  onCommand: () => void;
}

/** What will be made and what it costs; it stays in sight, at the foot of the window on a phone. */
export function Summary({ ordering, busy, error, onCommand }: SummaryProps) {
  const { order, plan, image, price, stock, catalog } = ordering;
  const region = catalog?.regions.find(({ id }) => id === order.region);
  const rows: [string, string][] = [
    ["Name", order.name === "" ? "–" : order.name],
    ["Region", region?.label ?? order.region],
    ["Plan", plan?.label ?? order.type],
    ["Image", image?.label ?? order.image],
  ];
  return (
    <aside
      aria-label="Summary"
      className="flex flex-col gap-3 border-line max-lg:sticky max-lg:bottom-0 max-lg:z-10 max-lg:-mx-4 max-lg:border-t max-lg:bg-canvas max-lg:px-4 max-lg:py-3 lg:sticky lg:top-4 lg:self-start lg:rounded-lg lg:border lg:p-4"
    >
      <dl className="grid grid-cols-[64px_1fr] gap-y-1 max-lg:hidden">
        {rows.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-faint">{name}</dt>
            <dd className="truncate text-right">{value}</dd>
          </div>
        ))}
      </dl>
      <div className="flex items-baseline justify-between gap-3 border-line lg:border-t lg:pt-3">
        <span className="text-faint">
          Price<span className="max-lg:hidden"> a month</span>
        </span>
        <span className="text-right">
          <span className="text-xl font-semibold">{usd(price.monthlyUsd)}</span>
          <span className="block text-xs text-faint">
            {price.hourlyUsd === undefined ? "no price is known" : `${usdHour(price.hourlyUsd)} an hour`}
          </span>
        </span>
      </div>
      {plan !== undefined && (
        <span className={stock === undefined ? "max-lg:hidden" : undefined}>
          <StatusBadge
            tone={stock === undefined ? "good" : "warn"}
            icon={stock === undefined ? CircleCheck : CircleAlert}
          >
            {stock ?? `In stock in ${order.region}`}
          </StatusBadge>
        </span>
      )}
      {error !== null && error !== undefined && <ErrorNote error={error} />}
      <div className="flex gap-2 lg:flex-col">
        <Button
          type="submit"
          kind="primary"
          busy={busy}
          disabled={stock !== undefined || plan === undefined}
          className="max-lg:flex-1"
        >
          Deploy
        </Button>
        <Button kind="quiet" onClick={onCommand}>
          Show as CLI or cURL
        </Button>
      </div>
    </aside>
  );
}
