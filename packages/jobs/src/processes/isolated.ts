import { randomBytes } from "node:crypto";
import { JobsError } from "../core/errors.ts";
import { jobFailure, withOutput } from "../core/failure.ts";
import type { AttemptEnd } from "../core/outcome.ts";
import { settledWithin, type Clock } from "../manager/clock.ts";
import type { MemoryCall, PermitLost } from "../memory/channel.ts";
import type { IsolatedMemory } from "../memory/manager-scopes.ts";
import type { Carrier, Death } from "./carrier.ts";
import { AttemptOutput, readText } from "./output.ts";
import { notBegun } from "./handler.ts";
import type { AttemptHost, OutputStream } from "./process.ts";
import type { Answer, FromIsolated, Question } from "./protocol.ts";

/** How long the last lines may take behind an attempt's end: they come by another way than the end does. */
const outputLagMsMax = 500;
/** A thread or process that has said nothing after this is taken for broken. */
const readyMsMax = 30_000;

interface Running {
  host: AttemptHost;
  output: AttemptOutput;
  finish: (end: AttemptEnd) => void;
  aborted: boolean;
  ending: boolean;
  /** Takes back the timer of the next rung. */
  cancelRung: (() => void) | undefined;
}

/**
 * One isolated process with one attempt at a time (L9).
 *
 * States: starting → idle ⇄ running → dead. A death while it runs ends that attempt: as `crashed`, or, when it had been
 * asked to end, as what it was asked for.
 */
export class IsolatedProcess {
  /** Attempts it has run. */
  jobsRun = 0;
  /** Child: resident memory. Thread: its heap. As of its latest end. */
  memoryBytes = 0;
  readonly name: string;
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #memory: IsolatedMemory;
  readonly #ready = Promise.withResolvers<void>();
  readonly #dead = Promise.withResolvers<Death>();
  #death: Death | undefined;
  #loading: { resolve: () => void; reject: (error: JobsError) => void } | undefined;
  #running: Running | undefined;

  /** @param connect to the manager's semaphores and memory (L12). */
  constructor(carrier: Carrier, clock: Clock, connect: (tell: (lost: PermitLost) => void) => IsolatedMemory) {
    this.name = carrier.name;
    this.#carrier = carrier;
    this.#clock = clock;
    this.#memory = connect((lost) => carrier.post({ kind: "permit-lost", ...lost }));
    const { seat } = this.#memory;
    if (seat !== undefined) carrier.post({ kind: "seat", seat });
    this.#ready.promise.catch(() => undefined);
    carrier.onMessage((message) => this.#heard(message));
    carrier.onDeath((death) => this.#died(death));
    const listen = (stream: OutputStream): void =>
      readText(
        carrier[stream],
        (text) => this.#running?.output.write(stream, text),
        () => this.#running?.output.end(stream),
      );
    listen("stdout");
    listen("stderr");
  }

  get isDead(): boolean {
    return this.#death !== undefined;
  }

  /** Resolves when it is gone. */
  get gone(): Promise<Death> {
    return this.#dead.promise;
  }

  /** @throws JobsError `process_crashed` when it does not come up. */
  async ready(): Promise<void> {
    if (await settledWithin(this.#ready.promise, readyMsMax, this.#clock)) return await this.#ready.promise;
    this.kill();
    throw new JobsError(
      "process_crashed",
      `${this.name} was not ready after ${readyMsMax} ms: is the host overloaded?`,
    );
  }

  /** Loads the module that has the job. @throws JobsError `invalid_definition`. */
  async load(module: string, job: string): Promise<void> {
    const loading = Promise.withResolvers<void>();
    this.#loading = loading;
    this.#carrier.post({ kind: "load", module, job });
    void this.gone.then(({ message }) =>
      loading.reject(
        new JobsError(
          "invalid_definition",
          `loading ${module} for job ${JSON.stringify(job)}: ${this.name} ${message}`,
        ),
      ),
    );
    await loading.promise;
  }

  /** Never rejects: whatever goes wrong is an end. */
  async run(host: AttemptHost): Promise<AttemptEnd> {
    if (!host.begin()) return notBegun;
    const { promise, resolve } = Promise.withResolvers<AttemptEnd>();
    const mark = `provost-end-${randomBytes(12).toString("hex")}`;
    const output = new AttemptOutput(mark, (stream, line) => host.output(stream, line));
    const running: Running = { host, output, finish: resolve, aborted: false, ending: false, cancelRung: undefined };
    this.#running = running;
    this.jobsRun += 1;
    const abort = (): void => this.#abort(running);
    host.signal.addEventListener("abort", abort, { once: true });
    this.#carrier.post({ kind: "run", module: host.definition.module ?? "", claimed: host.claimed, mark });
    if (host.signal.aborted) abort();
    // It may have died while idle, before the pool has noticed.
    if (this.#death !== undefined) void this.#ended(running, crashed(this.name, this.#death, running));
    const end = await promise;
    host.signal.removeEventListener("abort", abort);
    running.cancelRung?.();
    this.#running = undefined;
    return end;
  }

  /** Ends it at once; what it runs ends with it. */
  kill(): void {
    if (!this.isDead) this.#carrier.rungs.at(-1)?.act();
  }

  #heard(message: FromIsolated): void {
    switch (message.kind) {
      case "ready":
        this.#ready.resolve();
        return;
      case "loaded":
        this.#loading?.resolve();
        return;
      case "refused":
        this.#loading?.reject(new JobsError("invalid_definition", message.message));
        return;
      case "log":
        this.#running?.host.log(message.message, message.fields);
        return;
      case "progress":
        this.#running?.host.progress(message.value);
        return;
      case "ask":
        if (isMemoryCall(message.what)) void this.#answerMemory(message.ask, message.what);
        else if (this.#running !== undefined) void this.#answer(this.#running.host, message.ask, message.what);
        return;
      case "ended":
        this.memoryBytes = message.memoryBytes;
        if (this.#running !== undefined) void this.#ended(this.#running, () => message.end);
    }
  }

  async #answer(host: AttemptHost, ask: number, what: Question): Promise<void> {
    let answer: Answer;
    try {
      answer = { value: await answerTo(host, what) };
    } catch (thrown) {
      const code = thrown instanceof JobsError ? thrown.code : "store_unavailable";
      answer = { error: { code, message: thrown instanceof Error ? thrown.message : String(thrown) } };
    }
    this.#carrier.post({ kind: "answer", ask, ...answer });
  }

  /** Also between attempts: an attempt that has ended may have left a permit to give back. */
  async #answerMemory(ask: number, call: MemoryCall): Promise<void> {
    this.#carrier.post({ kind: "answer", ask, value: await this.#memory.host.answer(call) });
  }

  /** AbortSignal first, then rung by rung, a grace apart (L9). */
  #abort(running: Running): void {
    running.aborted = true;
    const { reason } = running.host.signal as { reason: unknown };
    const { code, message } = reason instanceof JobsError ? reason : new JobsError("cancelled", "asked to end");
    this.#carrier.post({ kind: "abort", code, message });
    const climb = (rung: number): void => {
      running.cancelRung = this.#clock.after(running.host.graceMs, () => {
        const next = this.#carrier.rungs[rung];
        if (next === undefined) return;
        running.host.ending(next.name);
        next.act();
        climb(rung + 1);
      });
    };
    climb(0);
  }

  #died(death: Death): void {
    this.#death = death;
    // What it held is free at once (L12).
    void this.#memory.close();
    this.#dead.resolve(death);
    this.#ready.reject(new JobsError("process_crashed", `${this.name} ${death.message} before it was ready`));
    if (this.#running !== undefined) void this.#ended(this.#running, crashed(this.name, death, this.#running));
  }

  async #ended(running: Running, end: () => AttemptEnd): Promise<void> {
    if (running.ending) return;
    running.ending = true;
    running.cancelRung?.();
    await settledWithin(running.output.closed, outputLagMsMax, this.#clock);
    const ended = end();
    running.finish("failure" in ended ? { ...ended, failure: withOutput(ended.failure, running.output.tail) } : ended);
  }
}

function isMemoryCall(what: Question | MemoryCall): what is MemoryCall {
  return typeof what === "object" && "act" in what;
}

function crashed(name: string, { message, details }: Death, running: Running): () => AttemptEnd {
  return () => {
    const failure = jobFailure("process_crashed", `the job's own process (${name}) ${message}`, details);
    // What was asked to end and did is no crash: the attempt knows what it was asked for.
    return { kind: running.aborted ? "error" : "crashed", failure };
  };
}

function answerTo(host: AttemptHost, what: Question): Promise<unknown> {
  if (what === "now") return host.now();
  return what === "flowFailure" ? host.flowFailure() : host.resultsOf(what.resultsOf);
}
