import { createRootRoute } from "@tanstack/react-router";
import { Shell } from "../shell/shell.tsx";
import { BrokenScreen, NoScreen } from "../shell/no-screen.tsx";

export const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: NoScreen,
  errorComponent: BrokenScreen,
});
