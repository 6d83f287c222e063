import { Link } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { permits } from "../api/roles.ts";
import { sessionQuery } from "../api/session.ts";
import { Logo } from "./logo.tsx";
import { navGroups } from "./nav.ts";

/** The name of the house, which leads home. */
export function Brand() {
  return (
    <Link to="/instances" className="flex items-center gap-2 rounded-md px-2 py-1 font-semibold tracking-tight">
      <Logo className="size-5" />
      Provost
    </Link>
  );
}

/** All screens by group; `onGo` closes the drawer on a phone. */
export function SidebarNav({ onGo }: { onGo?: () => void }) {
  const { data: session } = useQuery(sessionQuery);
  const role = session?.role ?? "viewer";
  return (
    <nav aria-label="Screens" className="flex flex-1 flex-col gap-4 overflow-y-auto px-2 py-2">
      {navGroups.map((group) => (
        <div key={group.label} className="flex flex-col gap-px">
          <h2 className="px-2 pb-1 text-xs font-medium text-faint">{group.label}</h2>
          {group.items
            .filter((item) => item.role === undefined || permits(role, item.role))
            .map(({ label, to, icon: Icon }) => (
              <Link
                key={to}
                to={to}
                onClick={onGo}
                // "Jobs" stands above other screens' paths: it alone is open only as itself or as one job.
                activeOptions={{ exact: to === "/jobs", includeSearch: false }}
                className="flex h-8 items-center gap-2.5 rounded-md px-2 text-muted hover:bg-hover hover:text-text max-md:h-10"
                activeProps={{ className: "bg-pressed !text-text font-medium", "aria-current": "page" }}
              >
                <Icon aria-hidden size={16} strokeWidth={1.75} />
                {label}
              </Link>
            ))}
        </div>
      ))}
    </nav>
  );
}
