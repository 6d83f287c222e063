import { systemSchema } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import type { App } from "../zod-routes.ts";

export function systemRoute(app: App, control: ControlSurface): void {
  app.get(
    "/v1/system",
    {
      schema: {
        summary: "How everything is",
        description: "Versions, the servers on this store, and providers, sweeps and webhooks in short.",
        tags: ["Server"],
        response: { 200: systemSchema },
      },
    },
    () => control.system.view(),
  );
}
