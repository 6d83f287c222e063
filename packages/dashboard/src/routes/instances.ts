import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { InstancesScreen } from "../instances/list-screen.tsx";
import { rootRoute } from "./root.ts";
import { textSearch } from "./search.ts";

const parent = { getParentRoute: () => rootRoute };

const home = createRoute({
  ...parent,
  path: "/",
  beforeLoad: () => {
    // oxlint-disable-next-line typescript/only-throw-error -- the router's way
    throw redirect({ to: "/instances" });
  },
});

/** The first screen comes with the first load. */
const list = createRoute({
  ...parent,
  path: "/instances",
  validateSearch: textSearch("q", "view"),
  component: InstancesScreen,
});

const deploy = createRoute({
  ...parent,
  path: "/instances/deploy",
  validateSearch: textSearch("provider", "region", "type", "image"),
  component: lazyRouteComponent(() => import("../deploy/deploy-screen.tsx"), "DeployScreen"),
});

const detail = createRoute({
  ...parent,
  path: "/instances/$ref",
  validateSearch: textSearch("tab", "step"),
  component: lazyRouteComponent(() => import("../instance/instance-screen.tsx"), "InstanceScreen"),
});

const images = createRoute({
  ...parent,
  path: "/images",
  component: lazyRouteComponent(() => import("../images/images-screen.tsx"), "ImagesScreen"),
});

const orphans = createRoute({
  ...parent,
  path: "/orphans",
  component: lazyRouteComponent(() => import("../orphans/orphans-screen.tsx"), "OrphansScreen"),
});

const fleets = createRoute({
  ...parent,
  path: "/fleets",
  component: lazyRouteComponent(() => import("../fleets/fleets-screen.tsx"), "FleetsScreen"),
});

const fleet = createRoute({
  ...parent,
  path: "/fleets/$id",
  validateSearch: textSearch("status"),
  component: lazyRouteComponent(() => import("../fleets/fleet-screen.tsx"), "FleetScreen"),
});

export const instanceRoutes = [home, list, deploy, detail, images, orphans, fleets, fleet] as const;
