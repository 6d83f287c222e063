import { BudgetWait } from "../budget/budget-wait.ts";
import type { Budgets } from "../budget/budgets.ts";
import type { RateGroup } from "../budget/rate-answer.ts";
import { blockMs, type Asker } from "../budget/window.ts";
import { CircuitOpen } from "../circuit/circuit-open.ts";
import type { Circuit } from "../circuit/circuit.ts";
import { probeMs, type CallBegun, type CircuitKey, type Circuits } from "../circuit/circuits.ts";
import { isProvidersFault } from "../circuit/fault.ts";
import type { Call } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { RateBucket, RateReading } from "../providers/rate-budget.ts";

/** What a call is, for its budget and its circuit. */
export interface CallTerms {
  /** `other` by default. */
  group?: RateGroup;
  /** Of the instance that the call concerns; by default none. */
  region?: string;
  /** `people` by default; sweeps say `sweep`, feeds and their looks `background`. */
  asker?: Asker;
  /** An instance's id: it stands in the line by its age. */
  waiter?: string;
}

/** So much before its end a probe is cut off: its answer is in before another one goes. */
const probeMarginMs = 5_000;

/**
 * The rules of the road for one account's calls (C11, C12), the same on every host: a call goes when its circuit lets it and its
 * budget has room, and what comes of it is told to both.
 */
export class Traffic {
  readonly #account: string;
  readonly #budgets: Budgets;
  readonly #circuits: Circuits;
  readonly #buckets: readonly RateBucket[];

  /** `buckets`: the limits that the account's provider documents; none by default. */
  constructor(parts: { account: string; budgets: Budgets; circuits: Circuits; buckets?: readonly RateBucket[] }) {
    this.#account = parts.account;
    this.#budgets = parts.budgets;
    this.#circuits = parts.circuits;
    this.#buckets = parts.buckets ?? [];
  }

  /** Throws `BudgetWait`, `CircuitOpen` (both `ProviderError`, with the time to come back) and what `fn` throws. */
  async run<T>(fn: (call: Call) => Promise<T>, signal: AbortSignal | undefined, terms: CallTerms): Promise<T> {
    const group = this.#bucketOf(terms.group ?? "other");
    const key: CircuitKey = { account: this.#account, region: terms.region ?? "" };
    const noted = this.#circuits.noted(key);
    const before = await this.#circuits.read(key);
    const pauseMs = await this.#circuits.pauseMs(before);
    if (pauseMs !== undefined) throw this.#open(key, pauseMs, before);
    await this.#take(group, terms);
    const probe = before === undefined || before.state === "closed" ? undefined : await this.#probe(key, before);
    const begun: CallBegun = { before, noted, probe };
    const readings: RateReading[] = [];
    const limits = probe === undefined ? [] : [AbortSignal.timeout(probeMs - probeMarginMs)];
    const signals = signal === undefined ? limits : [signal, ...limits];
    try {
      const result = await fn({
        ...(signals.length === 0 ? {} : { signal: AbortSignal.any(signals) }),
        onRate: (reading) => readings.push(reading),
      });
      await this.#told(this.#circuits.succeeded(key, begun));
      return result;
    } catch (error) {
      await this.#told(this.#failed(key, begun, error, signal));
      if (error instanceof ProviderError && error.code === "provider_rate_limited") {
        readings.push({
          bucket: readings.at(-1)?.bucket ?? group,
          refused: true,
          retryAfterMs: blockMs(error.retryAfterMs),
        });
      }
      throw error;
    } finally {
      for (const reading of readings) await this.#told(this.#heard(reading));
    }
  }

  /** A provider that counts creates like everything else has no bucket for them. */
  #bucketOf(group: RateGroup): RateGroup {
    return this.#buckets.length === 0 || this.#buckets.some(({ name }) => name === group) ? group : "other";
  }

  #heard(reading: RateReading): Promise<void> {
    const windowMs = this.#buckets.find(({ name }) => name === reading.bucket)?.windowMs;
    return this.#budgets.heard({ account: this.#account, group: reading.bucket }, { ...reading, windowMs });
  }

  async #take(group: string, { asker = "people", waiter }: CallTerms): Promise<void> {
    const account = this.#account;
    const bucket = this.#buckets.find(({ name }) => name === group);
    const answer = await this.#budgets.ask({ account, group, asker, waiter, bucket });
    if (!answer.go) throw new BudgetWait({ account, group, ...answer });
  }

  /** One in the whole fleet; the others go on waiting. */
  async #probe(key: CircuitKey, before: Circuit): Promise<number | undefined> {
    const answer = await this.#circuits.admit(key);
    if (!answer.go) throw this.#open(key, answer.waitMs, before);
    return answer.probe;
  }

  async #failed(key: CircuitKey, begun: CallBegun, error: unknown, signal: AbortSignal | undefined): Promise<void> {
    const { probe } = begun;
    // Cut off by us, or broken before it was sent: that says nothing of the provider.
    if (signal?.aborted === true || !(error instanceof ProviderError)) {
      if (probe !== undefined) await this.#circuits.abandoned(key, probe);
    } else if (isProvidersFault(error)) {
      await this.#circuits.failed(key, error, probe);
    } else {
      await this.#circuits.succeeded(key, begun);
    }
  }

  #open(key: CircuitKey, waitMs: number, circuit: Circuit | undefined): CircuitOpen {
    return new CircuitOpen({ ...key, waitMs, lastError: circuit?.lastError?.message ?? "no reason is known." });
  }

  /** The provider's answer counts whether or not the store could note it: a create that went well is never lost over this. */
  async #told(noting: Promise<void>): Promise<void> {
    await noting.catch(() => undefined);
  }
}
