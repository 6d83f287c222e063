import { callbackAnswerSchema, callbackLimits, callbackSchema, ProvostError } from "@provost/contract";
import type { ControlSurface } from "@provost/control";
import { z } from "zod";
import { bearerToken } from "../access.ts";
import type { App } from "../zod-routes.ts";

/** The one door that strangers can knock at: small bodies, a token for one deploy of one instance (C6). */
export function callbackRoute(app: App, control: ControlSurface): void {
  app.post(
    "/v1/callbacks/:instanceId",
    {
      bodyLimit: callbackLimits.bodyBytesMax,
      schema: {
        summary: "An instance reports a stage of its first boot",
        description: "Called by instances. A replay is answered 200 and changes nothing.",
        tags: ["Callbacks"],
        security: [{ instanceToken: [] }],
        params: z.object({ instanceId: z.string().min(1).max(64) }),
        body: callbackSchema,
        response: { 200: callbackAnswerSchema },
      },
      // Before the body is looked at: a stranger learns nothing about what we accept.
      preValidation: async (request) => {
        if (bearerToken(request) === undefined) throw rejected();
      },
    },
    (request) => {
      const token = bearerToken(request);
      if (token === undefined) throw rejected();
      return control.callbacks.receive(request.params.instanceId, token, request.body);
    },
  );
}

function rejected(): ProvostError {
  return new ProvostError(
    "callback_token_rejected",
    "No callback token was sent. It goes in `Authorization: Bearer …`.",
  );
}
