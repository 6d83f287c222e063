import { checkedKey } from "../core/bounds.ts";
import type { JobContext } from "../core/context.ts";
import { Directive, type ReleaseOptions } from "../core/directive.ts";
import { durationMs } from "../core/duration.ts";
import { JobsError } from "../core/errors.ts";
import { failureOf } from "../core/failure.ts";
import type { FlowBuilder } from "../core/flow.ts";
import { validatedInput } from "../core/input.ts";
import { limits } from "../core/limits.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { payloadJson, progressJson } from "../core/payload.ts";
import type { JobDefinition, JobRequest } from "../core/request.ts";
import type { Claimed, NewItem } from "../transporters/transporter.ts";
import type { HandlerHost } from "./process.ts";

/** Calls a job's handler with its context and tells how the attempt ended. The same in every kind of process. */
export async function runHandler(definition: JobDefinition, claimed: Claimed, host: HandlerHost): Promise<AttemptEnd> {
  const handling = new Handling(definition, claimed, host);
  try {
    const input = await validatedInput(definition, JSON.parse(claimed.input));
    if (!host.begin()) return notBegun;
    return await handling.endOf(await definition.run(handling.context(input)));
  } catch (thrown) {
    return handling.endOfThrown(thrown);
  } finally {
    handling.ended = true;
    // Who has ended holds nothing (L12).
    await host.atomicity.end();
  }
}

/** It was not tried (L4). */
export const notBegun: AttemptEnd = { kind: "deferred", delayMs: 0 };

class Handling {
  ended = false;
  readonly #definition: JobDefinition;
  readonly #claimed: Claimed;
  readonly #host: HandlerHost;
  readonly #items: Promise<NewItem>[] = [];
  #directive: Directive | undefined;

  constructor(definition: JobDefinition, claimed: Claimed, host: HandlerHost) {
    this.#definition = definition;
    this.#claimed = claimed;
    this.#host = host;
  }

  context(input: unknown): JobContext<unknown> {
    const job = this.#claimed;
    const comeBack = (kind: "released" | "deferred", { after, wake }: ReleaseOptions): Directive =>
      this.#direct(
        new Directive({
          kind,
          delayMs: durationMs(after, "after"),
          ...(wake === undefined ? {} : { wakeKey: checkedKey(wake, "wake") }),
        }),
      );
    return {
      input,
      jobId: job.id,
      name: job.name,
      flowId: job.flowId,
      signal: this.#host.signal,
      fence: job.fence,
      // Ids begin again in a new store; together with the time of enqueueing they do not.
      idempotencyKey: `job-${job.id}-${job.createdAt.toString(36)}`,
      attempt: job.attemptsUsed + 1,
      attemptsLeft: Math.max(0, job.attempts - job.attemptsUsed - 1),
      release: (options) => comeBack("released", options),
      defer: (options) => comeBack("deferred", options),
      fail: (error) => this.#direct(new Directive({ kind: "failed", error })),
      enqueue: (item) => observed(this.#enqueue(item)),
      flowFailure: () => this.#host.flowFailure(),
      ensureAtomicity: this.#host.atomicity.ensureAtomicity,
      semaphore: this.#host.atomicity.semaphore,
      memory: this.#host.atomicity.memory,
      resultsOf: async (wanted) => {
        const results = await this.#host.resultsOf(wanted.name);
        // As their handlers returned them.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        return results.map((result): any => (result === undefined ? undefined : JSON.parse(result)));
      },
      progress: (value) => this.#host.progress(progressJson(value, this.#definition.name)),
      log: (message, fields = {}) => this.#host.log(message, fields),
    };
  }

  async endOf(returned: unknown): Promise<AttemptEnd> {
    // Before any end: what could not be enqueued must not be lost with a handler that did not wait for it.
    const items = await Promise.all(this.#items);
    if (returned instanceof Directive) return directed(returned);
    if (returned === undefined && this.#directive !== undefined) {
      const { kind } = this.#directive.end;
      throw new JobsError(
        "handler_failed",
        `the handler of ${JSON.stringify(this.#definition.name)} made a "${kind}" end and did not return it: ` +
          "write `return release(…)`, `return defer(…)` or `return fail(…)`",
      );
    }
    const result = this.#resultJson(returned);
    if (typeof result === "object") return result;
    return {
      kind: "processed",
      ...(result === undefined ? {} : { result }),
      ...(items.length === 0 ? {} : { enqueue: items }),
    };
  }

  endOfThrown(thrown: unknown): AttemptEnd {
    if (thrown instanceof Directive) return directed(thrown);
    return { kind: "error", failure: failureOf(thrown) };
  }

  #direct(directive: Directive): Directive {
    this.#directive = directive;
    return directive;
  }

  async #enqueue(item: JobRequest | FlowBuilder): Promise<void> {
    if (this.ended) {
      throw new JobsError(
        "invalid_options",
        `job ${this.#claimed.id} enqueued after its attempt had ended: await its enqueue before returning`,
      );
    }
    if (this.#items.length >= limits.batchJobsMax) {
      throw new JobsError(
        "batch_too_large",
        `job ${this.#claimed.id} enqueues more than ${limits.batchJobsMax} items with its end (limits.batchJobsMax): ` +
          "use one flow, or manager.enqueueMany",
      );
    }
    const prepared = observed(this.#host.prepare(item));
    this.#items.push(prepared);
    await prepared;
  }

  /** A result that cannot be kept is no reason to do the work again: the job fails at once. */
  #resultJson(returned: unknown): string | undefined | AttemptEnd {
    if (returned === undefined) return undefined;
    try {
      return payloadJson(returned, `result of job ${JSON.stringify(this.#definition.name)}`, "handler_failed");
    } catch (thrown) {
      return { kind: "failed", failure: failureOf(thrown) };
    }
  }
}

function directed({ end }: Directive): AttemptEnd {
  return end.kind === "failed" ? { kind: "failed", failure: failureOf(end.error) } : end;
}

/** A handler need not await its enqueue: the attempt does. Unobserved, a rejection would end the whole process. */
function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
