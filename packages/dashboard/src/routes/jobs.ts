import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "./root.ts";
import { textSearch } from "./search.ts";

/** The job manager's screens; each is a file of its own that is loaded when it is opened. */
const parent = { getParentRoute: () => rootRoute };

const overview = createRoute({
  ...parent,
  path: "/jobs/overview",
  component: lazyRouteComponent(() => import("../jobs/overview.tsx"), "OverviewScreen"),
});

const list = createRoute({
  ...parent,
  path: "/jobs",
  validateSearch: textSearch("q"),
  component: lazyRouteComponent(() => import("../jobs/list-screen.tsx"), "JobsScreen"),
});

const detail = createRoute({
  ...parent,
  path: "/jobs/$id",
  validateSearch: textSearch("tab", "attempt", "view"),
  component: lazyRouteComponent(() => import("../jobs/detail/job-screen.tsx"), "JobScreen"),
});

const queues = createRoute({
  ...parent,
  path: "/jobs/queues",
  component: lazyRouteComponent(() => import("../queues/queues-screen.tsx"), "QueuesScreen"),
});

const queue = createRoute({
  ...parent,
  path: "/jobs/queues/$name",
  component: lazyRouteComponent(() => import("../queues/queue-screen.tsx"), "QueueScreen"),
});

const schedules = createRoute({
  ...parent,
  path: "/jobs/schedules",
  component: lazyRouteComponent(() => import("../schedules/schedules-screen.tsx"), "SchedulesScreen"),
});

const schedule = createRoute({
  ...parent,
  path: "/jobs/schedules/$name",
  validateSearch: textSearch("zone", "tab"),
  component: lazyRouteComponent(() => import("../schedules/schedule-screen.tsx"), "ScheduleScreen"),
});

const processes = createRoute({
  ...parent,
  path: "/jobs/processes",
  component: lazyRouteComponent(() => import("../processes/processes-screen.tsx"), "ProcessesScreen"),
});

const process = createRoute({
  ...parent,
  path: "/jobs/processes/$id",
  component: lazyRouteComponent(() => import("../processes/process-screen.tsx"), "ProcessScreen"),
});

export const jobRoutes = [overview, list, queues, queue, schedules, schedule, processes, process, detail] as const;
