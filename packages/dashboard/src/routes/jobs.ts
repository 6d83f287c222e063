import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "./root.ts";

/** The job manager's screens; each is a file of its own that is loaded when it is opened. */
const overview = createRoute({
  getParentRoute: () => rootRoute,
  path: "/jobs/overview",
  component: lazyRouteComponent(() => import("../jobs/overview.tsx"), "OverviewScreen"),
});

export const jobRoutes = [overview] as const;
