import { useRouter, useRouterState } from "@tanstack/react-router";
import { classes } from "./classes.ts";

export interface Tab {
  value: string;
  label: string;
  count?: string | undefined;
}

/** Tabs that are links: the one that is open stands in the URL as `?tab=`. The first one needs no name there. */
export function TabLinks({ tabs, current, label }: { tabs: readonly Tab[]; current: string; label: string }) {
  const router = useRouter();
  const path = useRouterState({ select: ({ location }) => location.pathname });
  return (
    <nav aria-label={label} className="flex shrink-0 gap-1 overflow-x-auto border-b border-line px-3 md:px-5">
      {tabs.map(({ value, label: word, count }, index) => {
        const href = router.buildLocation({ to: path, search: index === 0 ? {} : { tab: value } }).publicHref;
        return (
          <a
            key={value}
            href={href}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey) return;
              event.preventDefault();
              void router.navigate({ to: path, search: index === 0 ? {} : { tab: value }, replace: true });
            }}
            aria-current={value === current ? "page" : undefined}
            className={classes(
              "-mb-px flex h-9 items-center gap-1.5 border-b-2 px-2 font-medium whitespace-nowrap",
              value === current ? "border-accent text-text" : "border-transparent text-muted hover:text-text",
            )}
          >
            {word}
            {count !== undefined && <span className="text-xs text-faint">{count}</span>}
          </a>
        );
      })}
    </nav>
  );
}
