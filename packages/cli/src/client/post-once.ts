import { setTimeout as delay } from "node:timers/promises";
import { ProvostError } from "@provost/contract";
import type { z } from "zod";
import type { Context } from "../context.ts";
import { wasSent, type Api } from "./api.ts";

const resendMax = 20;
const resendMs = 500;

/**
 * A lost answer does not tell whether the request arrived, so it is sent again under the same idempotency key: the server
 * gives the same thing, never a second one.
 */
export async function postOnce<T>(
  context: Context,
  api: Api,
  path: string,
  request: object,
  answer: z.ZodType<T>,
  key: string,
): Promise<T> {
  for (let sent = false, tries = 1; ; tries += 1) {
    try {
      return await api.post(path, request, answer, { "idempotency-key": key });
    } catch (error) {
      context.interrupted.throwIfAborted();
      const lost = error instanceof ProvostError && error.code === "server_unavailable";
      sent ||= lost && wasSent(error);
      if (!lost || !sent || tries >= resendMax) throw error;
      await delay(resendMs, undefined, { signal: context.interrupted });
    }
  }
}
