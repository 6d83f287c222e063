import { healthSchema } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import type { App } from "../zod-routes.ts";

/** Open: says which deployment answers here, which is how a callback address is checked (C6). */
export function healthRoute(app: App, control: ControlSurface, version: string): void {
  app.get(
    "/v1/health",
    {
      schema: { summary: "Is the server there?", tags: ["Server"], security: [], response: { 200: healthSchema } },
    },
    () => ({ status: "ok" as const, version, deployment: control.deploymentId }),
  );
}
