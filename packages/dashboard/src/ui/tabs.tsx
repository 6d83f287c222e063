import { useRouter, useRouterState } from "@tanstack/react-router";
import { tabClass, TabRow } from "./status-tabs.tsx";

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
    <TabRow label={label}>
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
            className={tabClass(value === current)}
          >
            {word}
            {count !== undefined && <span className="text-xs text-faint">{count}</span>}
          </a>
        );
      })}
    </TabRow>
  );
}
