import { failure, passing, refusedBy } from "../instances/failure.ts";
import type { ProviderInstance } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { StepParts } from "./create-step.ts";
import { done, later, type StepContext, type StepEnd } from "./step.ts";

const step = "destroy";
/** Looks for a server that an unanswered create may still bring. */
const unknownLookMs = 1_000;

/**
 * Repeats until the provider says gone (C9). A create that was cut off is settled first: no server is billed and
 * forgotten (C4, C8).
 */
export class DestroyStep {
  readonly #parts: StepParts;

  constructor(parts: StepParts) {
    this.#parts = parts;
  }

  async run(context: StepContext): Promise<StepEnd> {
    const { records, timings } = this.#parts;
    const row = await records.byId(context.instanceId);
    if (row === undefined || row.task !== "destroy") return done;
    try {
      if (row.provider_id === null) return await this.#never(row, context.signal);
      return await this.#remove(row, row.provider_id, context);
    } catch (error) {
      if (error instanceof ProviderError && !passing(error)) {
        return { end: "fail", failure: refusedBy(error, step, "internal") };
      }
      return later(error, timings.unreachableRetryMs);
    }
  }

  /**
   * Its flow has failed: refused for good, or the budget is used up. Told, never left hanging. Only now is the row free for
   * another destroy, so that a new one never meets the old one's key or its end.
   */
  async gaveUp(instanceId: string, flowId: string | undefined, reason: string): Promise<void> {
    const { records, store } = this.#parts;
    const row = await records.byId(instanceId);
    if (row !== undefined && row.flow_id === flowId) await records.destroyGivenUp(row, await store.now(), reason);
  }

  /** No id is known: nothing was called, or the answer never came. */
  async #never(row: InstanceRow, signal: AbortSignal): Promise<StepEnd> {
    const { records, store, providers, timings, deployment } = this.#parts;
    if (row.create_open === 0) return this.#finish(row, "No server was ever made for it");
    const { account } = await providers.open(row.provider);
    const owner = { deployment: deployment(), instance: row.id };
    const found = await account.call(
      (provider, call) => provider.find({ name: row.provider_name, owner }, call),
      signal,
    );
    const now = await store.now();
    if (found !== undefined) {
      await records.accepted(row, found, { kind: "adopted", now, tokenExpiresAt: now });
      return { end: "release", afterMs: 1 };
    }
    const quietMs = timings.createQuietMs ?? account.capabilities.createQuietMs;
    const leftMs = (row.create_called_at ?? now) + quietMs - now;
    if (leftMs <= 0) return this.#finish(row, "The provider shows no server of its name");
    return { end: "defer", afterMs: Math.ceil(Math.min(leftMs, unknownLookMs)) };
  }

  async #remove(row: InstanceRow, id: string, context: StepContext): Promise<StepEnd> {
    const { records, store, providers, timings } = this.#parts;
    const { account } = await providers.open(row.provider);
    const now = await store.now();
    const seen = await account.call((provider, call) => provider.get(id, call), context.signal, {
      region: row.region,
    });
    if (seen === undefined || !this.#ours(row, seen)) {
      // Just after a create "no such server" may be the provider's lag: believed once it was seen after its acceptance.
      const met = row.observed_at !== null && row.accepted_at !== null && row.observed_at > row.accepted_at;
      if (met || now - (row.accepted_at ?? 0) >= timings.vanishGraceMs) {
        return this.#finish(row, `The provider says that ${id} is gone`);
      }
    } else {
      await records.observed(row.id, seen, now);
      if (seen.status !== "destroying") {
        await account.call((provider, call) => provider.destroy(id, call), context.signal, { region: row.region });
      }
    }
    const growing = timings.firstLookMs * 1.5 ** Math.min(context.attempt, 40);
    return { end: "release", afterMs: Math.ceil(Math.min(growing, timings.lookEveryMs)) };
  }

  /** Ids can be used again (names, on Incus): what is not tagged as this instance is not touched. */
  #ours(row: InstanceRow, seen: ProviderInstance): boolean {
    return seen.owner?.deployment === this.#parts.deployment() && seen.owner.instance === row.id;
  }

  async #finish(row: InstanceRow, message: string): Promise<StepEnd> {
    const { records, store } = this.#parts;
    await records.destroyed(row.id, await store.now(), message);
    return done;
  }
}

/** What the flow's own failure says, when no step has said it. */
export function brokenStep(name: string, message: string) {
  return failure("internal", name.replace(/^instance\./, ""), message);
}
