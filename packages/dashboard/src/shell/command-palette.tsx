import { Dialog as Base } from "@base-ui/react/dialog";
import type { Instance, Listed } from "@provost/contract";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { CircleHelp, ListChecks, LogOut, Monitor, Moon, Pause, Play, Rocket, Server, Sun } from "lucide-react";
import { useDeferredValue, useId, useState } from "react";
import { api } from "../api/client.ts";
import { permits } from "../api/roles.ts";
import { sessionQuery, signOut, useMay } from "../api/session.ts";
import { live } from "../live/connection.ts";
import { useLiveState } from "../live/hooks.ts";
import { chooseTheme } from "../theme/theme.ts";
import { classes } from "../ui/classes.ts";
import { Kbd } from "../ui/kbd.tsx";
import { toastError } from "../ui/toast-store.ts";
import { navGroups } from "./nav.ts";
import { jobsMeant, search, type PaletteItem } from "./palette-items.ts";

interface PaletteProps {
  onClose: () => void;
  onHelp: () => void;
}

/** ⌘K: every screen, every action of the shell, instances by name, address or id, jobs by id or name. */
export function CommandPalette({ onClose, onHelp }: PaletteProps) {
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const id = useId();
  const fixed = search(useFixedItems(onHelp), typed);
  const items = [...useInstanceItems(typed), ...useJobItems(typed), ...fixed];
  const chosen = items[Math.min(active, items.length - 1)];
  const run = (item: PaletteItem | undefined): void => {
    if (item === undefined) return;
    onClose();
    item.run();
  };
  return (
    <Base.Root open onOpenChange={(open) => open || onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-scrim" />
        <Base.Popup className="fixed top-[12vh] left-1/2 z-40 flex max-h-[70vh] w-[min(560px,calc(100vw-24px))] -translate-x-1/2 flex-col overflow-hidden rounded-lg border border-line bg-raised shadow-float">
          <Base.Title className="sr-only">Go to or do</Base.Title>
          <input
            type="text"
            role="combobox"
            aria-label="Go to or do"
            aria-expanded
            aria-controls={`${id}-list`}
            aria-activedescendant={chosen && `${id}-${chosen.id}`}
            placeholder="A screen, an action, an instance, a job …"
            autoFocus
            value={typed}
            onChange={(event) => {
              setTyped(event.currentTarget.value);
              setActive(0);
            }}
            onKeyDown={(event) => {
              if (event.key === "ArrowDown") setActive(Math.min(active + 1, items.length - 1));
              else if (event.key === "ArrowUp") setActive(Math.max(active - 1, 0));
              else if (event.key === "Enter") run(chosen);
              else return;
              event.preventDefault();
            }}
            className="h-12 shrink-0 border-b border-line bg-transparent px-4 text-base outline-none"
          />
          <div id={`${id}-list`} role="listbox" aria-label="Results" className="overflow-y-auto p-1.5">
            {items.map((item, index) => (
              <Row
                key={item.id}
                id={`${id}-${item.id}`}
                item={item}
                first={items[index - 1]?.group !== item.group}
                chosen={item === chosen}
                onRun={() => run(item)}
              />
            ))}
            {items.length === 0 && <p className="px-3 py-6 text-center text-muted">Nothing fits “{typed}”.</p>}
          </div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

interface RowProps {
  id: string;
  item: PaletteItem;
  first: boolean;
  chosen: boolean;
  onRun: () => void;
}

function Row({ id, item, first, chosen, onRun }: RowProps) {
  const { icon: Icon } = item;
  return (
    <>
      {first && (
        <div role="presentation" className="px-2.5 pt-2 pb-1 text-xs font-medium text-faint">
          {item.group}
        </div>
      )}
      <div
        id={id}
        role="option"
        aria-selected={chosen}
        // The keyboard stays with the field: an option is only pressed.
        tabIndex={-1}
        ref={chosen ? (row) => row?.scrollIntoView({ block: "nearest" }) : undefined}
        onMouseDown={(event) => event.preventDefault()}
        onClick={onRun}
        className={classes(
          "flex h-9 cursor-default items-center gap-2.5 rounded-md px-2.5",
          chosen ? "bg-pressed" : "hover:bg-hover",
        )}
      >
        <Icon aria-hidden size={15} className="text-faint" />
        <span className="flex-1 truncate">{item.label}</span>
        {item.hint !== undefined && <span className="truncate text-xs text-faint">{item.hint}</span>}
        {item.keys !== undefined && <Kbd keys={item.keys} />}
      </div>
    </>
  );
}

function useFixedItems(onHelp: () => void): PaletteItem[] {
  const router = useRouter();
  const { data: session } = useQuery(sessionQuery);
  const mayDeploy = useMay("operator");
  const paused = useLiveState().phase === "paused";
  const role = session?.role ?? "viewer";
  const screens = navGroups.flatMap(({ items }) =>
    items
      .filter((item) => permits(role, item.role ?? "viewer"))
      .map(({ label, to, icon, key }) => ({
        id: to.replaceAll("/", "-"),
        group: "Go to",
        label,
        icon,
        keys: `g ${key}`,
        run: () => void router.navigate({ to }),
      })),
  );
  const actions: PaletteItem[] = [
    {
      id: "live",
      group: "Do",
      label: paused ? "Resume live changes" : "Pause live changes",
      icon: paused ? Play : Pause,
      run: () => (paused ? live.resume() : live.pause()),
    },
    { id: "light", group: "Do", label: "Light theme", icon: Sun, run: () => chooseTheme("light") },
    { id: "dark", group: "Do", label: "Dark theme", icon: Moon, run: () => chooseTheme("dark") },
    { id: "system", group: "Do", label: "Theme as the system", icon: Monitor, run: () => chooseTheme("system") },
    { id: "help", group: "Do", label: "Keyboard shortcuts", icon: CircleHelp, keys: "?", run: onHelp },
    { id: "out", group: "Do", label: "Sign out", icon: LogOut, run: () => void signOut().catch(toastError) },
  ];
  if (mayDeploy) {
    actions.unshift({
      id: "deploy",
      group: "Do",
      label: "Deploy an instance",
      icon: Rocket,
      run: () => void router.navigate({ to: "/instances/deploy" }),
    });
  }
  return [...screens, ...actions];
}

const instancesMax = 6;

function useInstanceItems(typed: string): PaletteItem[] {
  const router = useRouter();
  const q = useDeferredValue(typed.trim());
  const { data } = useQuery({
    queryKey: ["palette", q],
    queryFn: ({ signal }) => api.get<Listed<Instance>>("instances", { params: { q, limit: instancesMax }, signal }),
    enabled: q.length >= 2,
    placeholderData: keepPreviousData,
  });
  if (q.length < 2) return [];
  return (data?.items ?? []).map(({ id, name, provider, status }) => ({
    id,
    group: "Instances",
    label: name,
    hint: `${provider} · ${status}`,
    icon: Server,
    run: () => void router.navigate({ to: "/instances/$ref", params: { ref: id } }),
  }));
}

function useJobItems(typed: string): PaletteItem[] {
  const router = useRouter();
  const meant = jobsMeant(typed);
  if (meant === undefined) return [];
  const run = () =>
    void ("id" in meant
      ? router.navigate({ to: "/jobs/$id", params: { id: meant.id } })
      : router.navigate({ to: "/jobs", search: { q: meant.q } }));
  return [{ id: "jobs", group: "Jobs", label: meant.label, icon: ListChecks, run }];
}
