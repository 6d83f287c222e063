import { setTimeout as delay } from "node:timers/promises";
import { instanceEventSchema, ProvostError, type InstanceEvent } from "@provost/contract";
import type { Api } from "./api.ts";

const retryMs = 500;
/** A restart of the server takes seconds; past this it is not coming back. */
const failuresMax = 60;

/**
 * An instance's events from `after` on, live, for as long as one asks. A lost connection is taken up again where it
 * ended, so that a restart of the server goes by unnoticed.
 *
 * @throws ProvostError `server_unavailable` when the server stays away, and what it answers to the request itself.
 */
export async function* followEvents(
  api: Api,
  instanceId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<InstanceEvent> {
  let last = after;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const response = await api.send("GET", `/v1/instances/${instanceId}/events/stream?after=${last}`, {
        headers: { accept: "text/event-stream" },
        signal,
      });
      for await (const event of readEvents(response)) {
        failures = 0;
        if (event.seq <= last) continue;
        last = event.seq;
        yield event;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ProvostError) || error.code !== "server_unavailable") throw error;
      failures += 1;
      if (failures >= failuresMax) throw error;
    }
    await delay(retryMs, undefined, { signal });
  }
  signal.throwIfAborted();
}

/** Ends quietly when the connection does: the caller connects again. */
async function* readEvents(response: Response): AsyncGenerator<InstanceEvent> {
  if (response.body === null) return;
  let rest = "";
  const chunks = response.body.pipeThrough(new TextDecoderStream());
  try {
    for await (const chunk of chunks) {
      const blocks = (rest + chunk).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = block
          .split("\n")
          .filter((line) => line.startsWith("data:"))
          .map((line) => line.slice(5).trimStart())
          .join("\n");
        if (data === "") continue;
        const event = instanceEventSchema.safeParse(JSON.parse(data));
        if (event.success) yield event.data;
      }
    }
  } catch (error) {
    if (error instanceof TypeError || (error instanceof Error && error.name === "AbortError")) return;
    throw error;
  }
}
