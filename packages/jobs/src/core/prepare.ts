import type { NewItem, NewJob } from "../transporters/transporter.ts";
import { checkedAttempts, checkedKey, checkedPriority, checkedTimeout } from "./bounds.ts";
import { durationMs } from "./duration.ts";
import { JobsError } from "./errors.ts";
import { newFlow } from "./flatten.ts";
import { FlowBuilder } from "./flow.ts";
import { validatedInput } from "./input.ts";
import { limits } from "./limits.ts";
import { payloadJson } from "./payload.ts";
import type { JobOptions, JobRequest } from "./request.ts";
import { uniqueOf } from "./unique.ts";

/**
 * A request with its defaults filled in and its bounds checked, as a Transporter takes it. What is stored is the input as it
 * was given: the schema runs again before each attempt, so that its defaults and transforms are those of the code that runs.
 *
 * At once, unless its schema or the clock has to be waited for: a promise for each of a thousand jobs would cost as much as the rest.
 *
 * @param storeNow the store's clock; asked only for `at`.
 * @throws JobsError `invalid_input`, `invalid_options`, `payload_too_large`.
 */
export function newJob(request: JobRequest, storeNow: () => Promise<number>): NewJob | Promise<NewJob> {
  const { definition, input, options } = request;
  const validated = validatedInput(definition, input);
  if (validated instanceof Promise || options.at !== undefined) return newJobLater(request, validated, storeNow);
  return filledIn(request, options.after === undefined ? 0 : durationMs(options.after, "after"));
}

async function newJobLater(request: JobRequest, validated: unknown, storeNow: () => Promise<number>): Promise<NewJob> {
  await validated;
  return filledIn(request, await delayMs(request.options, storeNow));
}

function filledIn(request: JobRequest, delay: number): NewJob {
  const { definition, options } = request;
  const what = `input of job ${JSON.stringify(definition.name)}`;
  return {
    name: definition.name,
    queue: definition.queue,
    lane: definition.lane,
    input: payloadJson(request.input, what, "invalid_input"),
    priority: checkedPriority(options.priority ?? definition.priority),
    attempts: checkedAttempts(options.attempts ?? definition.attempts),
    timeoutMs: options.timeout === undefined ? definition.timeoutMs : checkedTimeout(options.timeout),
    delayMs: delay,
    ...uniqueOf(options.unique),
    ...(options.wake === undefined ? {} : { wakeKey: checkedKey(options.wake, "wake") }),
    ...limitKeyOf(request),
  };
}

function limitKeyOf({ definition, input, options }: JobRequest): { limitKey?: string } {
  const key = options.limitKey ?? definition.limitKey?.(input);
  return key === undefined ? {} : { limitKey: checkedKey(key, "limitKey") };
}

/** A job or a flow as a Transporter takes it. Throws as `newJob`, and `flow_*`. */
export async function newItem(item: JobRequest | FlowBuilder, storeNow: () => Promise<number>): Promise<NewItem> {
  const prepare = (request: JobRequest): NewJob | Promise<NewJob> => newJob(request, storeNow);
  return item instanceof FlowBuilder ? { flow: await newFlow(item, prepare) } : { job: await prepare(item) };
}

/** As `newItem`, many, in their order. */
export async function newItems(
  items: readonly (JobRequest | FlowBuilder)[],
  storeNow: () => Promise<number>,
): Promise<NewItem[]> {
  const prepared: NewItem[] = [];
  for (const item of items) {
    if (item instanceof FlowBuilder) {
      prepared.push(await newItem(item, storeNow));
      continue;
    }
    const job = newJob(item, storeNow);
    prepared.push({ job: job instanceof Promise ? await job : job });
  }
  return prepared;
}

async function delayMs(options: JobOptions, storeNow: () => Promise<number>): Promise<number> {
  if (options.at === undefined) return options.after === undefined ? 0 : durationMs(options.after, "after");
  if (options.after !== undefined) {
    throw new JobsError("invalid_options", "both after and at are given: give one of them");
  }
  const at = typeof options.at === "number" ? options.at : options.at.getTime();
  if (!Number.isFinite(at)) {
    throw new JobsError("invalid_options", `at is ${String(options.at)}: give a Date or ms since 1970`);
  }
  // An instant in the past is due now.
  const delay = Math.ceil(Math.max(0, at - (await storeNow())));
  if (delay <= limits.delayMsMax) return delay;
  throw new JobsError(
    "invalid_options",
    `at is ${new Date(at).toISOString()}: at most ${limits.delayMsMax / 86_400_000}d ahead (limits.delayMsMax)`,
  );
}
