import { megabytes, usd, usdHour } from "../format/numbers.ts";
import { classes } from "../ui/classes.ts";
import { priceIn, whyNot, type CatalogImage, type Plan } from "./catalog.ts";

interface PlanTableProps {
  plans: readonly Plan[];
  region: string;
  image: CatalogImage | undefined;
  value: string;
  onChange: (id: string) => void;
}

/** Plans with what they have and cost; those that cannot be had say why. */
export function PlanTable({ plans, region, image, value, onChange }: PlanTableProps) {
  return (
    <div className="overflow-x-auto rounded-md border border-line">
      <table className="w-full text-left">
        <caption className="sr-only">Plans and their prices in {region}</caption>
        <thead>
          <tr className="h-8 border-b border-line text-xs text-faint">
            <th scope="col" className="px-3 font-medium">
              Plan
            </th>
            <th scope="col" className="px-3 text-right font-medium">
              vCPU
            </th>
            <th scope="col" className="px-3 text-right font-medium">
              Memory
            </th>
            <th scope="col" className="px-3 text-right font-medium max-sm:hidden">
              Disk
            </th>
            <th scope="col" className="px-3 text-right font-medium max-sm:hidden">
              An hour
            </th>
            <th scope="col" className="px-3 text-right font-medium">
              A month
            </th>
          </tr>
        </thead>
        <tbody>
          {plans.map((plan) => (
            <PlanRow
              key={plan.id}
              plan={plan}
              region={region}
              reason={whyNot(plan, region, image)}
              chosen={plan.id === value}
              onChoose={() => onChange(plan.id)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface PlanRowProps {
  plan: Plan;
  region: string;
  reason: string | undefined;
  chosen: boolean;
  onChoose: () => void;
}

function PlanRow({ plan, region, reason, chosen, onChoose }: PlanRowProps) {
  const price = priceIn(plan, region);
  const possible = reason === undefined;
  return (
    <tr
      onClick={possible ? onChoose : undefined}
      className={classes(
        "h-10 border-b border-line last:border-0",
        chosen ? "bg-accent-soft" : possible && "hover:bg-hover",
        !possible && "text-faint",
      )}
    >
      <td className="py-1 pl-3">
        <label className="flex items-center gap-2.5">
          <input
            type="radio"
            name="plan"
            className="size-4 shrink-0 accent-accent"
            checked={chosen}
            disabled={!possible}
            onChange={onChoose}
            aria-describedby={possible ? undefined : `why-${plan.id}`}
          />
          <span>
            <span className="font-medium">{plan.label}</span>{" "}
            <span className="font-mono text-xs text-faint max-sm:hidden">{plan.id}</span>
            {!possible && (
              <span id={`why-${plan.id}`} className="block text-xs text-warn">
                {reason}
              </span>
            )}
          </span>
        </label>
      </td>
      <td className="px-3 text-right">{plan.vcpus}</td>
      <td className="px-3 text-right whitespace-nowrap">{megabytes(plan.memoryMb)}</td>
      <td className="px-3 text-right whitespace-nowrap max-sm:hidden">
        {plan.diskGb === 0 ? "shared" : `${plan.diskGb} GB`}
      </td>
      <td className="px-3 text-right max-sm:hidden">{usdHour(price.hourlyUsd)}</td>
      <td className="px-3 text-right font-medium">{usd(price.monthlyUsd)}</td>
    </tr>
  );
}
