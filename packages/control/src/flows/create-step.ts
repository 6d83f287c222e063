import type { ProviderService, OpenAccount } from "../accounts/provider-service.ts";
import { renderBootScript } from "../boot/boot-script.ts";
import { BudgetWait } from "../budget/budget-wait.ts";
import { CircuitOpen } from "../circuit/circuit-open.ts";
import { deployClock } from "../circuit/clock.ts";
import { failure, passing, refusedBy } from "../instances/failure.ts";
import type { InstanceRecords } from "../instances/records.ts";
import { limitMs, overdue } from "../instances/verdict.ts";
import type { ImageRecords } from "../images/records.ts";
import type { Log, Timings } from "../options.ts";
import type { CreateSpec, ProviderInstance } from "../providers/provider.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { Secrets } from "../instances/secrets.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { Store } from "../storage/store.ts";
import { done, later, spread, type StepContext, type StepEnd } from "./step.ts";

export interface StepParts {
  store: Store;
  records: InstanceRecords;
  images: ImageRecords;
  providers: ProviderService;
  secrets: Secrets;
  timings: Timings;
  log: Log;
  /** This deployment's id, as it is written at the provider. */
  deployment: () => string;
}

const step = "create";
/** Between looks for a server whose create was never answered. */
const unknownLookMs = { first: 500, max: 15_000 } as const;

/**
 * `create` of C5 under C4:
 *
 *   id known ──────────────────────────────► done
 *   intent open (answer lost, server killed) ► look up by name and tag ─ found ► adopt, done
 *                                              └ none, within the quiet period ► wait
 *                                              └ none, quiet period over ► call
 *   no intent open ► commit intent ► call ─ answered ► save the id, done
 *                                         ├ certainly nothing done ► close the intent; wait or fail
 *                                         └ unknown ► leave it open, look
 */
export class CreateStep {
  readonly #parts: StepParts;

  constructor(parts: StepParts) {
    this.#parts = parts;
  }

  async run(context: StepContext): Promise<StepEnd> {
    const row = await this.#parts.records.byId(context.instanceId);
    if (row === undefined || row.task !== "deploy") return over(row);
    if (row.provider_id !== null) return done;
    const open = await this.#parts.providers.open(row.provider);
    if (row.create_open === 0) return this.#call(row, open, context);
    return (await this.#settle(row, open, context.signal)) ?? this.#call(row, open, context);
  }

  /** An earlier call without an answer. Undefined when it is certain enough that it made nothing. */
  async #settle(row: InstanceRow, open: OpenAccount, signal: AbortSignal): Promise<StepEnd | undefined> {
    const { store, timings } = this.#parts;
    let found: ProviderInstance | undefined;
    try {
      found = await this.#find(row, open, signal);
    } catch (error) {
      if (error instanceof BudgetWait) {
        await this.#parts.records.unknownWaits(row.id, error.waitMs);
        return later(error, timings.unreachableRetryMs);
      }
      if (await this.#overdue(row)) return { end: "fail", failure: neverSaid(row, error) };
      if (error instanceof CircuitOpen) await toldOutage(store, row.id, error);
      return later(error, timings.unreachableRetryMs);
    }
    if (found !== undefined) return this.#accepted(row, found, "adopted");
    if (await this.#overdue(row)) return { end: "fail", failure: neverSaid(row, undefined) };
    const now = await store.now();
    const quietMs = timings.createQuietMs ?? open.account.capabilities.createQuietMs;
    const calledAt = row.create_called_at ?? now;
    // A provider that was down has shown nothing, and is slow to show things when it is back.
    const region = { account: row.provider, region: row.region };
    const sinceMs = now - calledAt - (await this.#parts.providers.circuits.standstillMs(region, calledAt, now));
    if (sinceMs >= quietMs) return undefined;
    // Doubling: what the answer was lost of shows at the first look, and a list is a call of a scarce kind.
    const growing = Math.min(Math.max(sinceMs, unknownLookMs.first), unknownLookMs.max);
    return { end: "defer", afterMs: Math.ceil(Math.min(growing, quietMs - sinceMs)) };
  }

  async #call(row: InstanceRow, open: OpenAccount, context: StepContext): Promise<StepEnd> {
    const { records, store, log } = this.#parts;
    const spec = await this.#spec(row, open);
    const attempt = row.create_attempt + 1;
    let made: ProviderInstance | undefined;
    try {
      // The intent is written when the call has its place in the account's line: the quiet period counts from the call itself.
      made = await open.account.call(
        async (provider, call) => {
          const mine = await records.callIntended(row, await store.now());
          // A lease that ended meanwhile: nothing is sent, and the next holder finds that out by looking.
          return mine && !context.signal.aborted ? provider.create(spec, call) : undefined;
        },
        context.signal,
        { group: "create", region: row.region, waiter: row.id },
      );
    } catch (error) {
      if (error instanceof BudgetWait || error instanceof CircuitOpen) return this.#notAsked(row, error);
      if (!(error instanceof ProviderError)) throw error;
      log.warn(
        { instance: row.id, code: error.code, effect: error.effect, providerRequestId: error.providerRequestId },
        "create was not accepted",
      );
      return this.#notMade(row, attempt, open, error, context.signal);
    }
    return made === undefined ? { end: "defer", afterMs: unknownLookMs.first } : this.#accepted(row, made, "accepted");
  }

  /**
   * The call was not made: it waits as `requested`, on no clock (C7, C11). An earlier call's quiet period is over by then, or there
   * was none: its intent is closed, lest the line's length count as the unknown's age (C4).
   */
  async #notAsked(row: InstanceRow, error: BudgetWait | CircuitOpen): Promise<StepEnd> {
    const { records, store, timings } = this.#parts;
    // A line of thousands comes back twice a minute: what is settled already is not written again.
    if (row.create_open === 1) await records.callSettled(row.id, row.create_attempt);
    if (error instanceof CircuitOpen) {
      await toldOutage(store, row.id, error);
    } else if (error.joined) {
      const seconds = Math.ceil(error.waitMs / 1_000);
      await toldWaiting(store, row.id, `${inLine} place ${error.place} in the line, looks again in ${seconds} s`);
    }
    return later(error, timings.unreachableRetryMs);
  }

  async #overdue(row: InstanceRow): Promise<boolean> {
    const { store, providers, timings } = this.#parts;
    const at = await deployClock(providers.circuits, row, await store.now());
    return overdue(row, at, timings) !== undefined;
  }

  async #notMade(
    row: InstanceRow,
    attempt: number,
    open: OpenAccount,
    error: ProviderError,
    signal: AbortSignal,
  ): Promise<StepEnd> {
    if (error.code === "provider_name_taken") return this.#nameTaken(row, open, error, signal);
    if (error.effect === "unknown") return { end: "defer", afterMs: unknownLookMs.first };
    await this.#parts.records.callSettled(row.id, attempt);
    if (passing(error)) return later(error, this.#parts.timings.unreachableRetryMs);
    return { end: "fail", failure: refusedBy(error, step, "create_refused") };
  }

  /** The name is made for this instance alone: whoever has it is most likely what an earlier, unanswered call made. */
  async #nameTaken(row: InstanceRow, open: OpenAccount, error: ProviderError, signal: AbortSignal): Promise<StepEnd> {
    try {
      const found = await this.#find(row, open, signal);
      if (found !== undefined) return await this.#accepted(row, found, "adopted");
    } catch (lookError) {
      // The intent stays open: the next attempt looks again.
      return later(lookError, this.#parts.timings.unreachableRetryMs);
    }
    // After an unanswered call the list may lag behind the name: looked at again until the unknown's own limit.
    if (row.create_open === 1) return { end: "defer", afterMs: spread(unknownLookMs.first) };
    await this.#parts.records.callSettled(row.id, row.create_attempt + 1);
    return { end: "fail", failure: refusedBy(error, step, "name_taken_at_provider") };
  }

  async #accepted(row: InstanceRow, made: ProviderInstance, kind: "accepted" | "adopted"): Promise<StepEnd> {
    const { records, store, timings, log } = this.#parts;
    const now = await store.now();
    const tokenExpiresAt = now + limitMs(row, timings) + timings.callbackTokenMarginMs;
    await records.accepted(row, made, { kind, now, tokenExpiresAt });
    log.info({ instance: row.id, providerId: made.id, how: kind }, "the provider has the instance");
    return done;
  }

  #find(row: InstanceRow, open: OpenAccount, signal: AbortSignal): Promise<ProviderInstance | undefined> {
    const owner = { deployment: this.#parts.deployment(), instance: row.id };
    const terms = { group: "collections", region: row.region, waiter: row.id } as const;
    return open.account.call(
      (provider, call) => provider.find({ name: row.provider_name, owner }, call),
      signal,
      terms,
    );
  }

  async #spec(row: InstanceRow, { account }: OpenAccount): Promise<CreateSpec> {
    const { secrets, images, deployment } = this.#parts;
    const { script, rootPassword } = secrets.open(row);
    return {
      name: row.provider_name,
      owner: { deployment: deployment(), instance: row.id },
      region: row.region,
      type: row.type,
      image: row.image,
      sshKeys: row.ssh_keys,
      userData: renderBootScript({
        instanceId: row.id,
        callbackUrl: row.callback_url,
        token: secrets.callbackToken(row),
        sshKeys: row.ssh_keys,
        script,
        bake: await images.recipeOf(row),
        userDataBytesMax: account.capabilities.userDataBytesMax,
      }),
      ...(rootPassword === undefined ? {} : { rootPassword }),
      // A builder lives for minutes.
      backups: row.builder_of === null,
    };
  }
}

/** The deploy was ended by someone else: its flow ends too, and tells nothing anew. */
export function over(row: InstanceRow | undefined): StepEnd {
  if (row?.status === "provisioned") return done;
  return { end: "fail", failure: failure("cancelled", step, "The deploy was ended before this step.") };
}

const inLine = "Waits for the provider's rate budget:";
const forOutage = "Waits for the provider to come back:";

function toldOutage(store: Store, id: string, { message }: CircuitOpen): Promise<void> {
  return toldWaiting(store, id, `${forOutage} ${message}`, forOutage);
}

/** Told when it begins, not at each look: `unless` the last thing told begins so. */
async function toldWaiting(store: Store, id: string, message: string, unless?: string): Promise<void> {
  const at = await store.now();
  await store.write(async (write) => {
    const waiting = await write.db
      .updateTable("control_instance")
      .set((eb) => ({ status: eb.ref("status") }))
      .where("id", "=", id)
      .where("task", "=", "deploy")
      .returning("id")
      .executeTakeFirst();
    if (waiting === undefined) return;
    if (unless !== undefined) {
      const last = await write.db
        .selectFrom("control_instance_event")
        .select("message")
        .where("instance_id", "=", id)
        .orderBy("seq", "desc")
        .limit(1)
        .executeTakeFirst();
      if (last?.message.startsWith(unless) === true) return;
    }
    await write.event({ instanceId: id, at, kind: "note", message });
  });
}

function neverSaid(row: InstanceRow, error: unknown) {
  const looked = error instanceof ProviderError ? ` The last look failed too: ${error.message}` : "";
  return failure(
    "create_unknown",
    step,
    `The provider never answered the create of ${row.provider_name}, and shows no such server.${looked}`,
  );
}
