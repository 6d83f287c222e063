import type { Failure } from "@provost/contract";
import type { OpenAccount, ProviderService } from "../accounts/provider-service.ts";
import type { CallTerms } from "../accounts/traffic.ts";
import { BudgetWait } from "../budget/budget-wait.ts";
import type { StepParts } from "../flows/create-step.ts";
import { later, spread, type StepEnd } from "../flows/step.ts";
import { failure, passing, refusedBy } from "../instances/failure.ts";
import type { Timings } from "../options.ts";
import type { Backup } from "../providers/backup.ts";
import type { Call, Provider, ProviderInstance } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { InstanceRow } from "../storage/rows.ts";
import { decide, type Decision, type Facts } from "./decide.ts";
import { evidenceSince, feedCursor } from "./evidence.ts";
import { taskMaxMs, type StepName, type UndoName } from "./rules.ts";
import type { TaskRecords } from "./task-records.ts";
import type { Mark, TaskRow } from "./task-row.ts";

/** What a task's job is called with. */
export interface TaskContext {
  taskId: string;
  flowId: string | undefined;
  signal: AbortSignal;
}

/** One attempt of one step: reached, not yet, or failed. */
export type StepResult =
  | { is: "reached"; seen: ProviderInstance; backupId?: string | undefined; asked: boolean }
  | { is: "later"; end: StepEnd }
  | { is: "failed"; failure: Failure };

/** A look comes at the latest after this part of the time since the last call; looks are `lookEveryMs` apart at most. */
const growth = 0.5;

/**
 * One attempt of a step (L7): looks at the provider, decides (`decide.ts`), and makes at most one change there. The intent is committed
 * before the call, so that after a kill the next attempt knows that there may have been one, and looks (C4).
 */
export class StepRunner {
  readonly #parts: StepParts;
  readonly #records: TaskRecords;

  constructor(parts: StepParts, records: TaskRecords) {
    this.#parts = parts;
    this.#records = records;
  }

  async attempt(
    task: TaskRow,
    row: InstanceRow,
    step: StepName | UndoName,
    context: Pick<TaskContext, "signal">,
  ): Promise<StepResult> {
    const { providers, records, store, timings } = this.#parts;
    const id = row.provider_id;
    if (id === null) return failed("internal", step, "The provider's id of the server is not known.");
    const open = await providers.open(row.provider);
    const at = { row, open, signal: context.signal, terms: terms(row) };
    try {
      const now = await store.now();
      const seen = await open.account.call((provider, call) => provider.get(id, call), at.signal, at.terms);
      await this.#records.clockStarted(task, now);
      if (seen === undefined || !this.#ours(row, seen)) {
        return failed("vanished", step, `The provider says that it has no server ${id} of ours.`);
      }
      await records.observed(row.id, seen, now);
      const decision = await this.#decided(task, step, seen, now, at);
      if (decision.to === "end") {
        const asked = task.progress.marks[step] !== undefined;
        return { is: "reached", seen, asked, backupId: decision.backupId };
      }
      if (decision.to === "fail") return failed(decision.code, step, decision.message);
      if (await taskOverdue(task, row, now, 0, this.#parts)) {
        const seconds = Math.round((now - (task.undo_at ?? task.clock_at ?? now)) / 1_000);
        return failed("task_timed_out", step, `The provider still says ${seen.statusText} after ${seconds} s.`);
      }
      if (decision.to === "call") return await this.#call(task, step, at);
      const mark = task.progress.marks[step];
      if (decision.to === "wait" && decision.acted === true && mark !== undefined) {
        await this.#records.answered(task, step, { ...mark, open: false });
      }
      const sinceMs = now - (mark?.calledAt ?? task.started_at ?? now);
      const pauseMs = Math.min(Math.max(sinceMs * growth, timings.firstLookMs), timings.lookEveryMs);
      return { is: "later", end: { end: "release", afterMs: Math.ceil(pauseMs) } };
    } catch (error) {
      return this.#unread(task, step, error);
    }
  }

  async #decided(
    task: TaskRow,
    step: StepName | UndoName,
    seen: ProviderInstance,
    now: number,
    at: At,
  ): Promise<Decision> {
    const { timings } = this.#parts;
    const { capabilities } = at.open.account;
    const mark = task.progress.marks[step];
    const power = seen.status === "running" ? "running" : "stopped";
    const facts: Facts = {
      seen,
      mark,
      before: task.progress.before ?? { type: seen.type, power },
      sinceMs: mark === undefined ? 0 : now - mark.calledAt,
      type: task.input.type,
      mayRun: task.kind === "resize" && capabilities.canResizeRunning,
      canCutPower: capabilities.canCutPower,
      againMs: timings.callAgainMs,
      quietMs: timings.createQuietMs ?? capabilities.createQuietMs,
    };
    const first = decide(step, facts);
    if (first.to === "read-feed") {
      const kind = step === "reboot" ? "rebooted" : "backup";
      const evidence = await evidenceSince(
        mark?.cursor,
        { providerId: seen.id, kind },
        { ...at, account: at.open.account },
      );
      return decide(step, { ...facts, evidence });
    }
    if (first.to === "read-backups") {
      return decide(step, { ...facts, backup: (await this.#backup(task, seen.id, at)) ?? null });
    }
    return first;
  }

  async #backup(task: TaskRow, id: string, { open, signal, terms: how }: At): Promise<Backup | undefined> {
    const all = await open.account.call((provider, call) => provider.backups(id, call), signal, how);
    return all.findLast(({ kind, label }) => kind === "snapshot" && label === task.input.label);
  }

  async #call(task: TaskRow, step: StepName | UndoName, at: At): Promise<StepResult> {
    const { store, log, timings } = this.#parts;
    const { account } = at.open;
    const earlier = task.progress.marks[step];
    const needsFeed = earlier === undefined && (step === "reboot" || step === "restore");
    const cursor = needsFeed ? await feedCursor({ ...at, account }) : earlier?.cursor;
    const sent: { task?: TaskRow | undefined; mark?: Mark } = {};
    try {
      await account.call(
        async (provider, call) => {
          // Written when the call has its place in the account's line: what waits there has asked for nothing.
          sent.mark = {
            calls: (earlier?.calls ?? 0) + 1,
            calledAt: await store.now(),
            open: true,
            ...(cursor === undefined ? {} : { cursor }),
          };
          sent.task = await this.#records.intended(task, step, sent.mark);
          // A lease that ended meanwhile: nothing is sent, and the next holder finds that out by looking.
          if (sent.task !== undefined && !at.signal.aborted) await change(step, task, at.row, provider, call);
        },
        at.signal,
        at.terms,
      );
    } catch (error) {
      if (!(error instanceof ProviderError) || sent.task === undefined) return this.#unread(task, step, error);
      log.warn({ task: task.id, step, code: error.code, effect: error.effect }, "a change was not accepted");
      // Nobody knows whether it was done: the next attempt looks.
      if (error.effect === "unknown") {
        return { is: "later", end: { end: "defer", afterMs: spread(timings.firstLookMs) } };
      }
      await this.#records.answered(sent.task, step, earlier);
      return this.#unread(task, step, error);
    }
    if (sent.task !== undefined && sent.mark !== undefined && !at.signal.aborted) {
      await this.#records.answered(sent.task, step, { ...sent.mark, open: false });
    }
    return { is: "later", end: { end: "release", afterMs: timings.firstLookMs } };
  }

  /** The provider could not be asked, or has refused. */
  async #unread(task: TaskRow, step: string, error: unknown): Promise<StepResult> {
    if (error instanceof ProviderError && !passing(error)) {
      return { is: "failed", failure: refusedBy(error, step, "change_refused") };
    }
    const end = later(error, this.#parts.timings.unreachableRetryMs);
    if (error instanceof BudgetWait) await this.#records.paused(task, error.waitMs);
    return { is: "later", end };
  }

  /** Ids can be used again (names, on Incus): what is not tagged as this instance is not touched. */
  #ours(row: InstanceRow, seen: ProviderInstance): boolean {
    return seen.owner?.deployment === this.#parts.deployment() && seen.owner.instance === row.id;
  }
}

interface At {
  row: InstanceRow;
  open: OpenAccount;
  signal: AbortSignal;
  terms: CallTerms;
}

/** Has it run out of time, and `graceMs` more? By its own clock (C7): it stands still in outages, and in the line of a rate budget. */
export async function taskOverdue(
  task: TaskRow,
  row: Pick<InstanceRow, "provider" | "region">,
  now: number,
  graceMs: number,
  { providers, timings }: { providers: Pick<ProviderService, "circuits">; timings: Timings },
): Promise<boolean> {
  const since = task.undo_at ?? task.clock_at;
  const limitMs = taskMaxMs(task.kind, timings) + graceMs;
  if (since === null || now - since - task.paused_ms < limitMs) return false;
  const stoodMs = await providers.circuits.standstillMs({ account: row.provider, region: row.region }, since, now);
  return now - since - task.paused_ms - stoodMs >= limitMs;
}

async function change(
  step: StepName | UndoName,
  task: TaskRow,
  row: InstanceRow,
  provider: Provider,
  call: Call,
): Promise<void> {
  const id = row.provider_id ?? "";
  switch (step) {
    case "start":
    case "start-again":
    case "undo-start":
      return provider.boot(id, call);
    case "stop":
    case "undo-stop":
      return provider.shutdown(id, call);
    case "power-off":
      return provider.powerOff(id, call);
    case "reboot":
      return provider.reboot(id, call);
    case "change":
      return provider.resize(id, task.input.type ?? row.type, call);
    case "undo-change":
      return provider.resize(id, task.progress.before?.type ?? row.type, call);
    case "snapshot":
      await provider.snapshot(id, task.input.label ?? task.id, call);
      return undefined;
    case "restore":
      return provider.restore(id, task.input.backup ?? "", call);
    case "look":
    case "compare":
      return undefined;
  }
}

function failed(code: Failure["code"], step: string, message: string): StepResult {
  return { is: "failed", failure: failure(code, step, message) };
}

/** Calls about one instance go through its region's circuit, and wait in the line by its age; people have asked for them. */
function terms(row: InstanceRow): CallTerms {
  return { region: row.region, waiter: row.id, asker: "people" };
}
