import type { Account } from "../accounts/account.ts";
import type { CallTerms } from "../accounts/traffic.ts";
import { Brakes } from "../circuit/brakes.ts";
import { deployClock } from "../circuit/clock.ts";
import { failure, passing, refusedBy, scriptFailed } from "../instances/failure.ts";
import { limitMs, lookedEnough, nextLookMs, overdue } from "../instances/verdict.ts";
import type { ProviderInstance } from "../providers/provider.ts";
import { ProviderError, type ProviderErrorCode } from "../providers/provider-error.ts";
import { stageNumber, type InstanceRow } from "../storage/rows.ts";
import { over, type StepParts } from "./create-step.ts";
import { done, later, type StepContext, type StepEnd } from "./step.ts";

/** Number of the last stage (C6). */
const ready = stageNumber("ready");
/** Looks for an address before the instance is told to be ready without one. */
const addressLooksMax = 5;

/** Looks at an instance that waits to be booted. */
const bootLooks = { everyMs: 500, forMs: 60_000 } as const;
const notYet: ReadonlySet<ProviderErrorCode> = new Set(["provider_busy", "provider_instance_not_found"]);

type Seen = { instance: ProviderInstance | undefined } | { end: StepEnd };

/** The steps of C5 behind `create`. None waits: each looks once and comes back (L7). */
export class ProvisionSteps {
  readonly #parts: StepParts;
  readonly #brakes: Brakes;

  constructor(parts: StepParts) {
    this.#parts = parts;
    this.#brakes = new Brakes(parts);
  }

  /** Until the provider says running, or the instance has reported itself, which proves as much. */
  async awaitActive(context: StepContext): Promise<StepEnd> {
    const step = "await-active";
    const { records, timings } = this.#parts;
    const row = await records.byId(context.instanceId);
    if (row === undefined || row.task !== "deploy" || row.provider_id === null) return over(row);
    if (row.active_at !== null) return done;
    const now = await this.#parts.store.now();
    if (row.boot_failure !== null) return { end: "fail", failure: scriptFailed(row.boot_failure) };
    if (row.stage > 0) {
      await records.active(row.id, now, "It runs: its first boot has reported");
      return done;
    }
    const seen = await this.#look(row, row.provider_id, step, now, context.signal);
    const at = await this.#clock(row);
    if ("end" in seen) return this.#endOr(seen.end, row, step, at);
    if (seen.instance === undefined) return this.#gone(row, step, now, at);
    if (seen.instance.status === "running") {
      await records.active(row.id, now, "It runs, says the provider");
      return done;
    }
    if (overdue(row, at, timings) !== undefined || lookedEnough(row, context.attempt, timings)) {
      const said = `The provider still says ${seen.instance.statusText}`;
      return { end: "fail", failure: failure("boot_stuck", step, `${said} after ${context.attempt} looks.`) };
    }
    return (await this.#booted(row, seen.instance, step, context.signal, now)) ?? this.#nextLook(row, at);
  }

  /** Until the instance has reported ready (C6). The provider's status never proves that. */
  async awaitReady(context: StepContext): Promise<StepEnd> {
    const step = "await-ready";
    const { records, timings } = this.#parts;
    const row = await records.byId(context.instanceId);
    if (row === undefined || row.task !== "deploy" || row.provider_id === null) return over(row);
    if (row.boot_failure !== null) return { end: "fail", failure: scriptFailed(row.boot_failure) };
    if (row.stage === ready) return done;
    const now = await this.#parts.store.now();
    const at = await this.#clock(row);
    if (overdue(row, at, timings) !== undefined || lookedEnough(row, context.attempt, timings)) {
      const last = row.stage === 0 ? "nothing" : row.stage === 1 ? "booting" : "configuring";
      const message = `It reported ${last} in ${Math.round((now - (row.accepted_at ?? now)) / 1_000)} s.`;
      return { end: "fail", failure: failure("callback_missing", step, message) };
    }
    // The first look is at our own row only: most instances have reported before the second.
    if (context.attempt > 1) {
      const seen = await this.#look(row, row.provider_id, step, now, context.signal);
      if ("end" in seen) return seen.end;
      if (seen.instance === undefined) return this.#gone(row, step, now, at);
    }
    const leftMs = (row.accepted_at ?? at) + limitMs(row, timings) - at;
    const afterMs = Math.ceil(Math.max(Math.min(timings.lookEveryMs, leftMs), 1));
    return { end: row.builder_of === null ? "release" : "defer", afterMs };
  }

  /** Reads its addresses a last time and tells, once. A provider that cannot be asked now does not hold it up for long. */
  async provisioned(context: StepContext): Promise<StepEnd> {
    const { records, store } = this.#parts;
    const row = await records.byId(context.instanceId);
    if (row === undefined || row.task !== "deploy" || row.provider_id === null) return over(row);
    const seen = await this.#look(row, row.provider_id, "provisioned", await store.now(), context.signal);
    const unread = "end" in seen || seen.instance === undefined || seen.instance.ipv4.length === 0;
    if (unread && row.ipv4.length === 0 && context.attempt <= addressLooksMax) {
      return { end: "release", afterMs: this.#parts.timings.firstLookMs };
    }
    await records.provisioned(row, await store.now());
    this.#parts.log.info({ instance: row.id, providerId: row.provider_id }, "provisioned");
    return done;
  }

  async #look(row: InstanceRow, id: string, step: string, now: number, signal: AbortSignal): Promise<Seen> {
    const { providers, records, timings } = this.#parts;
    const { account } = await providers.open(row.provider);
    try {
      const instance = await account.call((provider, call) => provider.get(id, call), signal, lookTerms(row));
      if (instance !== undefined) await records.observed(row.id, instance, now);
      return { instance };
    } catch (error) {
      if (error instanceof ProviderError && error.code === "provider_credentials_rejected") {
        return { end: { end: "fail", failure: refusedBy(error, step, "credentials_rejected") } };
      }
      return { end: later(error, timings.unreachableRetryMs) };
    }
  }

  /** A provider that cannot be asked is waited for, but not past the clock (C7). */
  #endOr(end: StepEnd, row: InstanceRow, step: string, at: number): StepEnd {
    if (end.end !== "defer" || overdue(row, at, this.#parts.timings) === undefined) return end;
    return { end: "fail", failure: failure("boot_stuck", step, "The provider could not be asked whether it runs.") };
  }

  /** "No such server" just after a create is the provider's lag; later it is the truth, unless it says so of too many (C12). */
  async #gone(row: InstanceRow, step: string, now: number, at: number): Promise<StepEnd> {
    const { timings } = this.#parts;
    if (now - (row.accepted_at ?? now) < timings.vanishGraceMs) return this.#nextLook(row, at);
    if (!(await this.#brakes.mayAct(row.provider, [row.id]))) return { end: "defer", afterMs: timings.lookEveryMs };
    const message = `The provider says that it has no server ${row.provider_id ?? ""} (any more).`;
    return { end: "fail", failure: failure("vanished", step, message) };
  }

  /** The instant on the deploy's own clock (C7). What that clock has been given, its callback token is given too (C6). */
  async #clock(row: InstanceRow): Promise<number> {
    const { providers, store, timings } = this.#parts;
    const now = await store.now();
    const at = await deployClock(providers.circuits, row, now);
    if (at === now || row.accepted_at === null) return at;
    const expiresAt = row.accepted_at + limitMs(row, timings) + timings.callbackTokenMarginMs + now - at;
    await store.db
      .updateTable("control_instance")
      .set({ token_expires_at: expiresAt })
      .where("id", "=", row.id)
      .where("task", "=", "deploy")
      .where("token_expires_at", "<", expiresAt)
      .execute();
    return at;
  }

  #nextLook(row: InstanceRow, at: number): StepEnd {
    const { timings } = this.#parts;
    const sinceMs = at - (row.accepted_at ?? at);
    return { end: "release", afterMs: nextLookMs(sinceMs, limitMs(row, timings) - sinceMs, timings) };
  }

  /**
   * Boots what its provider leaves stopped. Until then it cannot report by itself, so looks stay close together for a while;
   * they are no attempts to find it running, and cost none.
   */
  async #booted(
    row: InstanceRow,
    seen: ProviderInstance,
    step: string,
    signal: AbortSignal,
    now: number,
  ): Promise<StepEnd | undefined> {
    const { account } = await this.#parts.providers.open(row.provider);
    if (!account.capabilities.bootAfterCreate) return undefined;
    if (seen.status === "stopped") {
      const refused = await this.#boot(account, row, seen.id, step, signal);
      if (refused !== undefined) return refused;
    } else if (seen.status !== "creating") {
      return undefined;
    }
    if (now - (row.accepted_at ?? now) > bootLooks.forMs) return undefined;
    return { end: "defer", afterMs: Math.min(bootLooks.everyMs, this.#parts.timings.firstLookMs) };
  }

  async #boot(
    account: Account,
    row: InstanceRow,
    id: string,
    step: string,
    signal: AbortSignal,
  ): Promise<StepEnd | undefined> {
    try {
      await account.call((provider, call) => provider.boot(id, call), signal, { region: row.region, waiter: row.id });
      return undefined;
    } catch (error) {
      // Busy with its own creation, or not there yet: the next look comes soon.
      if (error instanceof ProviderError && notYet.has(error.code)) return undefined;
      if (error instanceof ProviderError && !passing(error)) {
        return { end: "fail", failure: refusedBy(error, step, "boot_stuck") };
      }
      return later(error, this.#parts.timings.unreachableRetryMs);
    }
  }
}

/**
 * Looks go through the instance's region's circuit and wait in the line by its age. They go on by themselves: however many boot at
 * once, a part of the budget is left for what people ask for (C11).
 */
function lookTerms(row: InstanceRow): CallTerms {
  return { region: row.region, waiter: row.id, asker: "background" };
}
