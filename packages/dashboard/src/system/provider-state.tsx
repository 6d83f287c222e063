import type { SystemView } from "@provost/contract";
import { CircleAlert, CircleCheck, CirclePause, CircleX, KeyRound } from "lucide-react";
import { count } from "../format/numbers.ts";
import { StatusBadge } from "../ui/badge.tsx";
import { RelativeTime } from "../ui/relative-time.tsx";

export type ProviderHealth = SystemView["providers"][number];

const looks = {
  ok: { tone: "good", icon: CircleCheck, word: "works" },
  failing: { tone: "warn", icon: CircleAlert, word: "failing" },
  down: { tone: "bad", icon: CircleX, word: "down" },
  "credentials-rejected": { tone: "bad", icon: KeyRound, word: "credentials rejected" },
  braked: { tone: "warn", icon: CirclePause, word: "braked" },
} as const;

export function ProviderStateBadge({ state, filled = false }: { state: ProviderHealth["state"]; filled?: boolean }) {
  const { tone, icon, word } = looks[state];
  return (
    <StatusBadge tone={tone} icon={icon} filled={filled}>
      {word}
    </StatusBadge>
  );
}

/** Rate budgets as bars: what is left of what may be asked in a window. */
export function Budgets({ budgets }: { budgets: ProviderHealth["budgets"] }) {
  if (budgets.length === 0) return <p className="text-muted">Nothing has been asked yet.</p>;
  return (
    <ul className="grid gap-x-8 gap-y-2 sm:grid-cols-2">
      {budgets.map(({ group, left, limit, waiting, blockedUntil }) => (
        <li key={group} className="flex items-center gap-3">
          <span className="w-24 shrink-0">{group}</span>
          {left !== undefined && limit !== undefined ? (
            <>
              <progress
                value={left}
                max={limit}
                aria-label={`${left} of ${limit} calls left for ${group}`}
                className="progress h-1.5 min-w-0 flex-1"
              />
              <span className="text-right whitespace-nowrap text-muted">
                {count(left)} of {count(limit)} left
              </span>
            </>
          ) : (
            <span className="text-muted">the provider has not said its limit</span>
          )}
          {waiting > 0 && <span className="text-warn">{count(waiting)} wait</span>}
          {blockedUntil !== undefined && (
            <span className="text-warn">
              paused, goes on <RelativeTime at={blockedUntil} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
