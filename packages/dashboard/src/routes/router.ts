import { createRouter } from "@tanstack/react-router";
import { basePath } from "../base-path.ts";
import { instanceRoutes } from "./instances.ts";
import { jobRoutes } from "./jobs.ts";
import { rootRoute } from "./root.ts";
import { systemRoutes } from "./system.ts";

const routeTree = rootRoute.addChildren([...instanceRoutes, ...jobRoutes, ...systemRoutes]);

export const router = createRouter({
  routeTree,
  basepath: basePath,
  defaultPreload: "intent",
  scrollRestoration: true,
  // Search parameters are text: `?q=status%3Arunning`, not JSON.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch: (search) => {
    const given = Object.entries(search).filter(([, value]) => value !== undefined && value !== "");
    const encoded = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    // As they are typed: `?q=status:running,stopped`.
    const text = encoded.replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%2F", "/");
    return text === "" ? "" : `?${text}`;
  },
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
