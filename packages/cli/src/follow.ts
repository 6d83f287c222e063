import { eventListSchema, instanceSchema, ProvostError, type Instance, type InstanceEvent } from "@provost/contract";
import type { Api } from "./client/api.ts";
import { followEvents } from "./client/event-stream.ts";
import type { Context } from "./context.ts";
import type { Progress } from "./output/progress.ts";
import { waitText } from "./output/words.ts";

const waitEveryMs = 2_000;

/** Ends the wait for a deploy. */
export function deployEnds({ kind }: InstanceEvent): boolean {
  return kind === "provisioned" || kind === "failed" || kind === "destroyed";
}

export interface Wait {
  /** Events up to this `seq` are not shown. */
  after: number;
  ends(event: InstanceEvent): boolean | Promise<boolean>;
  timeoutMs?: number | undefined;
  /** The command that shows how the work goes on, without `provost`; `instance follow` by default. */
  showWith?: string;
}

/**
 * Shows an instance's events until one of `ends` comes; resolves with the instance as it is then.
 *
 * @throws ProvostError `wait_timed_out` (the work itself goes on), `server_unavailable`; the signal's reason at Ctrl-C.
 */
export async function waitFor(context: Context, api: Api, instance: Instance, wait: Wait): Promise<Instance> {
  const timeout = wait.timeoutMs === undefined ? undefined : AbortSignal.timeout(wait.timeoutMs);
  const signal = timeout === undefined ? context.interrupted : AbortSignal.any([context.interrupted, timeout]);
  const progress = context.progress(instance.createdAt);
  const looks = context.terminal.isTty
    ? setInterval(() => void showWait(api, instance.id, progress), waitEveryMs)
    : undefined;
  try {
    for await (const event of followEvents(api, instance.id, wait.after, signal)) {
      progress.event(event);
      if (await wait.ends(event)) break;
    }
  } catch (error) {
    progress.end();
    if (timeout?.aborted !== true || context.interrupted.aborted) throw error;
    throw await tookTooLong(context, api, instance, wait.showWith ?? `instance follow ${instance.name}`);
  } finally {
    clearInterval(looks);
    progress.end();
  }
  return api.get(`/v1/instances/${instance.id}`, instanceSchema);
}

/** The place in a line changes without an event (C7). A look that fails says nothing: the events are what counts. */
async function showWait(api: Api, id: string, progress: Progress): Promise<void> {
  const instance = await api.get(`/v1/instances/${id}`, instanceSchema).catch(() => undefined);
  progress.waits(instance?.waiting === undefined ? undefined : waitText(instance.waiting));
}

async function tookTooLong(context: Context, api: Api, instance: Instance, showWith: string): Promise<ProvostError> {
  const { status } = await api.get(`/v1/instances/${instance.id}`, instanceSchema);
  return new ProvostError(
    "wait_timed_out",
    `${instance.name} is still ${status} and this command waits no longer (--timeout). The work goes on: \`${context.command} ${showWith}\`.`,
    { field: "--timeout" },
  );
}

/** Said at Ctrl-C: only the wait has ended. */
export function goesOn(context: Context, instance: Instance, what: string): string {
  return `\n${what} of ${instance.name} goes on without this command. Follow it with \`${context.command} instance follow ${instance.name}\`.\n`;
}

/** Where an instance's story stands: what happened before is not shown again. */
export async function lastEvent(api: Api, instance: Instance): Promise<number> {
  let after = 0;
  for (;;) {
    const { items } = await api.get(`/v1/instances/${instance.id}/events?limit=500&after=${after}`, eventListSchema);
    const last = items.at(-1);
    if (last === undefined) return after;
    after = last.seq;
  }
}
