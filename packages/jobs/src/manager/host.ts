import type { FlowFailure } from "../core/context.ts";
import { jobFailure } from "../core/failure.ts";
import type { FlowBuilder } from "../core/flow.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { limits } from "../core/limits.ts";
import type { JobRequest } from "../core/request.ts";
import { attemptAtomicity, type AttemptAtomicity } from "../memory/atomicity.ts";
import type { ManagerScopes } from "../memory/manager-scopes.ts";
import type { AttemptHost, OutputStream } from "../processes/process.ts";
import type { NewItem, Transporter } from "../transporters/transporter.ts";
import type { Attempt } from "./attempt.ts";
import type { Log, ManagerEvent } from "./events.ts";
import type { LeaseGuard } from "./lease-guard.ts";
import type { ProgressKeeper } from "./progress-keeper.ts";

/** What the manager has for all its attempts. */
export interface HostOptions {
  transporter: Pick<Transporter, "flow" | "list" | "now">;
  progress: Pick<ProgressKeeper, "report">;
  guard: Pick<LeaseGuard, "begin">;
  memory: Pick<ManagerScopes, "scopes">;
  abortGraceMs: number;
  log: Log;
  prepare: (item: JobRequest | FlowBuilder) => Promise<NewItem>;
}

/** And who is told how an attempt ended. */
export interface Hosting extends HostOptions {
  onEnded: (attempt: Attempt, end: AttemptEnd) => void;
}

/** The manager, as one attempt reaches it. */
export class ManagerHost implements AttemptHost {
  readonly #attempt: Attempt;
  readonly #options: Hosting;
  #atomicity: AttemptAtomicity | undefined;

  constructor(attempt: Attempt, options: Hosting) {
    this.#attempt = attempt;
    this.#options = options;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get graceMs(): number {
    return this.#options.abortGraceMs;
  }

  get atomicity(): AttemptAtomicity {
    return (this.#atomicity ??= attemptAtomicity(this.#options.memory.scopes, this.signal));
  }

  begin(): boolean {
    const attempt = this.#attempt;
    // Given back while this loop was blocked: the job is another's now, and this attempt nothing.
    attempt.lost ||= !this.#options.guard.begin(attempt);
    return !attempt.lost;
  }

  now(): Promise<number> {
    return this.#options.transporter.now();
  }

  prepare(item: JobRequest | FlowBuilder): Promise<NewItem> {
    return this.#options.prepare(item);
  }

  async flowFailure(): Promise<FlowFailure | undefined> {
    const { flowId } = this.#attempt.claimed;
    const flow = flowId === undefined ? undefined : await this.#options.transporter.flow(flowId);
    if (flow?.status !== "failed" && flow?.status !== "cancelled") return undefined;
    return {
      status: flow.status,
      failure: flow.failure ?? jobFailure("cancelled", `flow ${flow.id} was cancelled`),
      jobId: flow.failedJobId,
    };
  }

  /** In the order of their ids. */
  async resultsOf(name: string): Promise<(string | undefined)[]> {
    const { flowId } = this.#attempt.claimed;
    if (flowId === undefined) return [];
    const results: (string | undefined)[] = [];
    for (let after = "0"; ;) {
      const query = { flowId, name, status: "processed", limit: limits.batchJobsMax } as const;
      const page = await this.#options.transporter.list({ ...query, after });
      for (const { result } of page) results.push(result);
      after = page.at(-1)?.id ?? after;
      if (page.length < limits.batchJobsMax) return results;
    }
  }

  progress(value: string): void {
    const { id, fence } = this.#attempt.claimed;
    if (!this.#attempt.ended) this.#options.progress.report({ id, fence, value });
  }

  log(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#options.log({ event: "job.log", message, fields, ...this.#attempt.called });
  }

  output(stream: OutputStream, line: string): void {
    this.#options.log({ event: "job.output", stream, line, ...this.#attempt.called });
  }

  ending(by: Extract<ManagerEvent, { event: "attempt.ending" }>["by"]): void {
    this.#options.log({ event: "attempt.ending", by, ...this.#attempt.called });
  }

  ended(end: AttemptEnd): void {
    this.#options.onEnded(this.#attempt, end);
  }
}
