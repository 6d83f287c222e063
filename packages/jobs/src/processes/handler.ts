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
import type { JobRequest } from "../core/request.ts";
import type { AttemptAtomicity } from "../memory/atomicity.ts";
import type { NewItem } from "../transporters/transporter.ts";
import type { HandlerHost } from "./process.ts";

/**
 * Calls a job's handler with its context and tells its host how the attempt ended, never before it returns. The same in every kind of
 * process. Bound methods and no `await`: tens of thousands wait for their handlers at a time, and each frame of an async function is
 * some 480 bytes of what they wait with, two arrow functions and what they close over 150, two bound ones 100.
 */
export function runHandler(host: HandlerHost): void {
  const handling = new Handling(host);
  void handling.called().then(handling.returned.bind(handling), handling.thrown.bind(handling));
}

/** It was not tried (L4). */
export const notBegun = { kind: "deferred", delayMs: 0 } as const satisfies AttemptEnd;

const none: NewItem[] = [];

/** What a handler has asked for besides its end. */
interface Asked {
  readonly items: readonly Promise<NewItem>[];
  readonly directive: Directive | undefined;
  readonly hasAtomicity: boolean;
}

/** Of most handlers, which are thousands at a time. */
const nothing: Asked = { items: [], directive: undefined, hasAtomicity: false };
/** Of most jobs; nobody changes an end. */
const processed: AttemptEnd = { kind: "processed" };

const hostOf = Symbol("host");

/** Made when it is asked for, which most handlers never do: a controller and its signal are 110 bytes. A copy of the context has it. */
const lazySignal = {
  enumerable: true,
  configurable: true,
  get(this: { [hostOf]: HandlerHost }): AbortSignal {
    return this[hostOf].signal;
  },
};

let latestAt = Number.NaN;
let latestText = "";

/** Kept for the next: jobs that were enqueued together run together, and the text of a large number is half of what a context costs. */
function base36(at: number): string {
  if (at !== latestAt) {
    latestAt = at;
    latestText = at.toString(36);
  }
  return latestText;
}

class Handling {
  readonly #host: HandlerHost;
  #asked = nothing;
  #ended = false;

  constructor(host: HandlerHost) {
    this.#host = host;
  }

  /** What the handler returns; rejects with what it throws. */
  called(): Promise<unknown> {
    try {
      const { definition, claimed } = this.#host;
      const input = validatedInput(definition, JSON.parse(claimed.input));
      // Most schemas answer at once: an await is a turn of the queue for each of thousands of jobs.
      return Promise.resolve(input instanceof Promise ? input.then((valid) => this.#call(valid)) : this.#call(input));
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  #call(input: unknown): unknown {
    return this.#host.begin() ? this.#host.definition.run(this.#context(input)) : new Directive(notBegun);
  }

  /**
   * Properties of its own, so that a copy (`{ ...context, db }`) is whole: getters of a class would save 0.8 µs an attempt, and
   * break those who hand on a copy.
   */
  #context(input: unknown): JobContext<unknown> {
    const host = this.#host;
    const { claimed: job } = host;
    const context: Omit<JobContext<unknown>, "signal"> & { [hostOf]?: HandlerHost } = {
      input,
      jobId: job.id,
      name: job.name,
      flowId: job.flowId,
      fence: job.fence,
      // Ids begin again in a new store; together with the time of enqueueing they do not.
      idempotencyKey: `job-${job.id}-${base36(job.createdAt)}`,
      attempt: job.attemptsUsed + 1,
      attemptsLeft: Math.max(0, job.attempts - job.attemptsUsed - 1),
      release: (options) => this.#comeBack("released", options),
      defer: (options) => this.#comeBack("deferred", options),
      fail: (error) => this.#direct(new Directive({ kind: "failed", error })),
      enqueue: (item) => observed(this.#enqueue(item)),
      flowFailure: () => host.flowFailure(),
      ensureAtomicity: (name, fn, options) => this.#atomicity.ensureAtomicity(name, fn, options),
      semaphore: (name, options) => this.#atomicity.semaphore(name, options),
      memory: (scope) => this.#atomicity.memory(scope),
      resultsOf: async (wanted) => {
        const results = await host.resultsOf(wanted.name);
        // As their handlers returned them.
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        return results.map((result): any => (result === undefined ? undefined : JSON.parse(result)));
      },
      progress: (value) => host.progress(progressJson(value, job.name)),
      log: (message, fields = {}) => host.log(message, fields),
    };
    // Within the literal, a key that is not a plain name has V8 define all of them one by one: 2 µs of the 10 that a job takes of node.
    context[hostOf] = host;
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `signal` is there now
    return Object.defineProperty(context, "signal", lazySignal) as typeof context & Pick<JobContext<unknown>, "signal">;
  }

  /** Made when it is asked for, which most handlers never do. */
  get #atomicity(): AttemptAtomicity {
    if (!this.#asked.hasAtomicity) this.#asked = { ...this.#asked, hasAtomicity: true };
    return this.#host.atomicity;
  }

  #comeBack(kind: "released" | "deferred", { after, wake }: ReleaseOptions): Directive {
    return this.#direct(
      new Directive({
        kind,
        delayMs: durationMs(after, "after"),
        ...(wake === undefined ? {} : { wakeKey: checkedKey(wake, "wake") }),
      }),
    );
  }

  #direct(directive: Directive): Directive {
    this.#asked = { ...this.#asked, directive };
    return directive;
  }

  /** Before any end: what could not be enqueued must not be lost with a handler that did not wait for it. */
  returned(returned: unknown): void {
    const { items: asked } = this.#asked;
    if (asked.length === 0) {
      this.#endWith(this.#endOf(returned, none));
      return;
    }
    void Promise.all(asked).then(
      (items) => this.#endWith(this.#endOf(returned, items)),
      (thrown: unknown) => this.thrown(thrown),
    );
  }

  thrown(thrown: unknown): void {
    this.#endWith(this.#endOfThrown(thrown));
  }

  #endWith(end: AttemptEnd): void {
    this.#ended = true;
    // Who has ended holds nothing (L12).
    if (this.#asked.hasAtomicity) void this.#host.atomicity.end().then(() => this.#host.over(end));
    else this.#host.over(end);
  }

  #endOf(returned: unknown, items: NewItem[]): AttemptEnd {
    try {
      return this.#meant(returned, items);
    } catch (thrown) {
      return this.#endOfThrown(thrown);
    }
  }

  #meant(returned: unknown, items: NewItem[]): AttemptEnd {
    if (returned instanceof Directive) return directed(returned);
    const { directive } = this.#asked;
    if (returned === undefined && directive !== undefined) {
      const { kind } = directive.end;
      throw new JobsError(
        "handler_failed",
        `the handler of ${JSON.stringify(this.#host.definition.name)} made a "${kind}" end and did not return it: ` +
          "write `return release(…)`, `return defer(…)` or `return fail(…)`",
      );
    }
    const result = this.#resultJson(returned);
    if (typeof result === "object") return result;
    if (result === undefined && items.length === 0) return processed;
    return {
      kind: "processed",
      ...(result === undefined ? {} : { result }),
      ...(items.length === 0 ? {} : { enqueue: items }),
    };
  }

  #endOfThrown(thrown: unknown): AttemptEnd {
    if (thrown instanceof Directive) return directed(thrown);
    return { kind: "error", failure: failureOf(thrown) };
  }

  async #enqueue(item: JobRequest | FlowBuilder): Promise<void> {
    if (this.#ended) {
      throw new JobsError(
        "invalid_options",
        `job ${this.#host.claimed.id} enqueued after its attempt had ended: await its enqueue before returning`,
      );
    }
    if (this.#asked.items.length >= limits.batchJobsMax) {
      throw new JobsError(
        "batch_too_large",
        `job ${this.#host.claimed.id} enqueues more than ${limits.batchJobsMax} items with its end (limits.batchJobsMax): ` +
          "use one flow, or manager.enqueueMany",
      );
    }
    const prepared = observed(this.#host.prepare(item));
    this.#asked = { ...this.#asked, items: [...this.#asked.items, prepared] };
    await prepared;
  }

  /** A result that cannot be kept is no reason to do the work again: the job fails at once. */
  #resultJson(returned: unknown): string | undefined | AttemptEnd {
    if (returned === undefined) return undefined;
    try {
      return payloadJson(returned, `result of job ${JSON.stringify(this.#host.definition.name)}`, "handler_failed");
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
