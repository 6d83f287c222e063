import { useQuery } from "@tanstack/react-query";
import { Outlet, useRouter } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { followStream, queryClient } from "../api/queries.ts";
import { permits } from "../api/roles.ts";
import { sessionQuery } from "../api/session.ts";
import { useShortcuts } from "../keyboard/shortcuts.ts";
import { live } from "../live/connection.ts";
import { ErrorNote } from "../ui/error-note.tsx";
import { navGroups } from "./nav.ts";
import { Brand, SidebarNav } from "./sidebar.tsx";
import { SignIn } from "./sign-in.tsx";
import { Topbar } from "./topbar.tsx";

const CommandPalette = lazy(() => import("./command-palette.tsx").then((m) => ({ default: m.CommandPalette })));
const Drawer = lazy(() => import("./drawer.tsx").then((m) => ({ default: m.Drawer })));
const ShortcutsHelp = lazy(() => import("./shortcuts-help.tsx").then((m) => ({ default: m.ShortcutsHelp })));

/** Who is signed in sees the page; who is not, the sign-in. */
export function Shell() {
  const { data: session, error, refetch } = useQuery(sessionQuery);
  if (session) return <SignedIn />;
  if (session === null) return <SignIn />;
  if (error === null) return <div role="status" aria-label="Loading" />;
  return (
    <main className="mx-auto max-w-lg p-8">
      <ErrorNote error={error} retry={() => void refetch()} />
    </main>
  );
}

type Overlay = "menu" | "palette" | "help";

function SignedIn() {
  const [overlay, setOverlay] = useState<Overlay>();
  const close = (): void => setOverlay(undefined);
  useStream();
  useShellKeys(setOverlay);
  return (
    <div className="flex h-full">
      <a
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector<HTMLElement>("#main")?.focus();
        }}
        className="sr-only z-50 rounded-md bg-accent px-3 py-2 text-white focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the content
      </a>
      <aside className="flex w-52 shrink-0 flex-col border-r border-line bg-panel max-md:hidden">
        <div className="flex h-12 items-center px-2">
          <Brand />
        </div>
        <SidebarNav />
      </aside>
      <div className="flex min-w-0 flex-1 flex-col">
        <Topbar
          onMenu={() => setOverlay("menu")}
          onPalette={() => setOverlay("palette")}
          onHelp={() => setOverlay("help")}
        />
        <main id="main" tabIndex={-1} className="flex min-h-0 flex-1 flex-col overflow-y-auto outline-none">
          <Outlet />
        </main>
      </div>
      <Suspense>
        {overlay === "menu" && <Drawer onClose={close} />}
        {overlay === "palette" && <CommandPalette onClose={close} onHelp={() => setOverlay("help")} />}
        {overlay === "help" && <ShortcutsHelp open onClose={close} />}
      </Suspense>
    </div>
  );
}

function useStream(): void {
  useEffect(() => {
    const unfollow = followStream();
    const stop = live.start();
    return () => {
      stop();
      unfollow();
    };
  }, []);
}

function useShellKeys(open: (overlay: Overlay) => void): void {
  const router = useRouter();
  const role = queryClient.getQueryData(sessionQuery.queryKey)?.role ?? "viewer";
  const screens = navGroups.flatMap(({ items }) => items).filter((item) => permits(role, item.role ?? "viewer"));
  useShortcuts([
    { keys: "mod+k", label: "Go to or do anything", group: "Everywhere", run: () => open("palette") },
    { keys: "?", label: "Keyboard shortcuts", group: "Everywhere", run: () => open("help") },
    { keys: "/", label: "Search this list", group: "Everywhere", run: focusSearch },
    ...screens.map(({ key, label, to }) => ({
      keys: `g ${key}`,
      label,
      group: "Go to",
      run: () => void router.navigate({ to }),
    })),
  ]);
}

/** Each screen's search field is the one of this role. */
function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>('#main [type="search"]');
  field?.focus();
  field?.select();
}
