import type { OpenAccount } from "../accounts/provider-service.ts";
import { BudgetWait } from "../budget/budget-wait.ts";
import { CircuitOpen } from "../circuit/circuit-open.ts";
import { failure, passing, refusedBy } from "../instances/failure.ts";
import type { ImageRow } from "../images/tables.ts";
import type { BakedImage, BakeSpec } from "../providers/baked-image.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { BuilderEnd } from "./builder-end.ts";
import type { StepParts } from "./create-step.ts";
import { done, later, type StepContext, type StepEnd } from "./step.ts";

export interface BakeParts extends StepParts {
  builderEnd: BuilderEnd;
}

/** A guest that has not stopped by then has its power cut: it wrote nothing since its clean-up. */
const guestStopMs = 45_000;
/** Calls that may make the image; a provider that loses more than this many does not make it. */
const callsMax = 3;

/**
 * The steps of a bake behind the builder's deploy (C2); like all steps they look once and come back (L7). Each finds in the row
 * how far an earlier attempt came, so that a killed server costs nothing but time.
 */
export class BakeSteps {
  readonly #parts: BakeParts;

  constructor(parts: BakeParts) {
    this.#parts = parts;
  }

  /** The guest has cleaned up before it reported ready: it is asked to stop, then made to. */
  async powerOff(context: StepContext): Promise<StepEnd> {
    return this.#with(context, async (image, builder, id, open) => {
      const { images, store, timings } = this.#parts;
      if (image.step === "builder") {
        await images.reached(image, "power-off", await store.now(), "Script and clean-up are done: stops the builder");
      }
      const seen = await ask(open, builder, context.signal, (provider, call) => provider.get(id, call));
      if (seen === undefined) return gone("power-off", id);
      if (seen.status === "stopped") return done;
      const since = image.step === "power-off" ? (await store.now()) - image.step_at : 0;
      if (seen.status === "running") {
        const cut = since >= guestStopMs;
        await ask(open, builder, context.signal, (provider, call) =>
          cut ? provider.powerOff(id, call) : provider.shutdown(id, call),
        );
      }
      return { end: "defer", afterMs: growing(since, timings.firstLookMs) };
    });
  }

  /**
   * Makes the image once (C4): intent open ► look for it by name; found ► adopt; none, and the quiet period over ► call again.
   * Then until the provider says available.
   */
  async snapshot(context: StepContext): Promise<StepEnd> {
    return this.#with(context, async (image, builder, id, open) => {
      const { images, store, timings } = this.#parts;
      if (image.step === "power-off") {
        await images.reached(image, "snapshot", await store.now(), "The builder is off: makes the image of its disk");
      }
      if (image.provider_image_id === null) return this.#make(image, builder, id, open, context.signal);
      const imageId = image.provider_image_id;
      const made = await ask(open, builder, context.signal, (provider, call) => provider.image(imageId, call));
      const now = await store.now();
      if (made === undefined) {
        // Just after the call it may be the provider's lag.
        if (now - (image.called_at ?? now) < timings.vanishGraceMs)
          return { end: "defer", afterMs: timings.firstLookMs };
        await images.lost(image);
        return { end: "defer", afterMs: 1 };
      }
      if (made.status !== "available") {
        return { end: "defer", afterMs: growing(now - image.step_at, timings.firstLookMs, timings.lookEveryMs) };
      }
      return done;
    });
  }

  /** From here on deploys can take it. */
  async register(context: StepContext): Promise<StepEnd> {
    return this.#with(context, async (image, builder, _id, open) => {
      const { images, store, providers, log } = this.#parts;
      const imageId = image.provider_image_id;
      if (imageId === null) return gone("register", image.provider_name);
      const made = await ask(open, builder, context.signal, (provider, call) => provider.image(imageId, call));
      if (made === undefined) return gone("register", imageId);
      await images.available(image, made, await store.now());
      providers.forgetCatalog(image.provider);
      log.info({ image: image.id, providerImageId: imageId }, "image baked");
      return done;
    });
  }

  /** Until the builder is gone. What becomes of it later is the watchdog's. */
  async builderGone(context: StepContext): Promise<StepEnd> {
    const { images, builderEnd, timings } = this.#parts;
    const image = await images.byId(context.instanceId);
    if (image === undefined) return done;
    const builder = await builderEnd.begin(image.builder_id);
    if (builder === undefined || builder.status === "destroyed") return done;
    return { end: "defer", afterMs: growing((await this.#parts.store.now()) - image.step_at, timings.firstLookMs) };
  }

  async #make(
    image: ImageRow,
    builder: InstanceRow,
    id: string,
    open: OpenAccount,
    signal: AbortSignal,
  ): Promise<StepEnd> {
    const { images, store, timings } = this.#parts;
    const spec = this.#spec(image);
    if (image.call_open === 1) {
      const found = await ask(open, builder, signal, (provider, call) => provider.findImage(spec, call));
      if (found !== undefined) return this.#accepted(image, found);
      const quietMs = timings.createQuietMs ?? open.account.capabilities.createQuietMs;
      const leftMs = (image.called_at ?? 0) + quietMs - (await store.now());
      if (leftMs > 0) return { end: "defer", afterMs: Math.ceil(Math.min(leftMs, 1_000)) };
    }
    if (image.call_attempt >= callsMax) {
      const message = `The provider was asked ${callsMax} times and shows no image ${spec.name}.`;
      return { end: "fail", failure: failure("image_failed", "snapshot", message) };
    }
    try {
      const made = await open.account.call(
        async (provider, call) => {
          const mine = await images.callIntended(image, await store.now());
          return mine && !signal.aborted ? provider.imageFrom(id, spec, call) : undefined;
        },
        signal,
        { region: image.region, waiter: builder.id },
      );
      return made === undefined ? { end: "defer", afterMs: timings.firstLookMs } : await this.#accepted(image, made);
    } catch (error) {
      return await this.#notMade(image, builder, open, error, signal);
    }
  }

  async #notMade(
    image: ImageRow,
    builder: InstanceRow,
    open: OpenAccount,
    error: unknown,
    signal: AbortSignal,
  ): Promise<StepEnd> {
    const { images, timings } = this.#parts;
    if (!(error instanceof ProviderError)) throw error;
    if (error instanceof BudgetWait || error instanceof CircuitOpen) return later(error, timings.unreachableRetryMs);
    if (error.code === "provider_name_taken") {
      // The name is this image's alone: whoever has it is what an earlier, unanswered call made.
      const found = await ask(open, builder, signal, (provider, call) => provider.findImage(this.#spec(image), call));
      if (found !== undefined) return this.#accepted(image, found);
    } else if (error.effect === "unknown") {
      return { end: "defer", afterMs: timings.firstLookMs };
    }
    await images.callSettled(image.id, image.call_attempt + 1);
    if (passing(error)) return later(error, timings.unreachableRetryMs);
    return { end: "fail", failure: refusedBy(error, "snapshot", "image_refused") };
  }

  async #accepted(image: ImageRow, made: BakedImage): Promise<StepEnd> {
    const { images, store, timings } = this.#parts;
    await images.accepted(image, made, await store.now());
    return { end: "defer", afterMs: made.status === "available" ? 1 : timings.firstLookMs };
  }

  #spec(image: ImageRow): BakeSpec {
    return bakeSpec(image, this.#parts.deployment());
  }

  /** The rows and the account of a bake that is still under way; errors of the provider in the words of a step. */
  async #with(
    context: StepContext,
    run: (image: ImageRow, builder: InstanceRow, id: string, open: OpenAccount) => Promise<StepEnd>,
  ): Promise<StepEnd> {
    const { images, records, providers, timings } = this.#parts;
    const image = await images.byId(context.instanceId);
    if (image?.task !== "bake") return image?.status === "available" ? done : over();
    const builder = await records.byId(image.builder_id);
    if (builder === undefined || builder.provider_id === null || builder.task !== null) return over();
    try {
      return await run(image, builder, builder.provider_id, await providers.open(image.provider));
    } catch (error) {
      if (error instanceof ProviderError && !passing(error)) {
        return { end: "fail", failure: refusedBy(error, image.step, "image_refused") };
      }
      return later(error, timings.unreachableRetryMs);
    }
  }
}

/** What the image is called at the provider. */
export function bakeSpec(image: ImageRow, deployment: string): BakeSpec {
  return { name: image.provider_name, deployment, golden: image.golden === 1 };
}

type Fn<T> = Parameters<OpenAccount["account"]["call"]>[0] extends (provider: infer P, call: infer C) => unknown
  ? (provider: P, call: C) => Promise<T>
  : never;

function ask<T>({ account }: OpenAccount, builder: InstanceRow, signal: AbortSignal, fn: Fn<T>): Promise<T> {
  return account.call(fn, signal, { region: builder.region, waiter: builder.id });
}

function growing(sinceMs: number, firstMs: number, maxMs = 5_000): number {
  return Math.ceil(Math.min(Math.max(sinceMs / 4, firstMs), maxMs));
}

function gone(step: string, id: string): StepEnd {
  return { end: "fail", failure: failure("vanished", step, `The provider says that it has no ${id} (any more).`) };
}

function over(): StepEnd {
  return { end: "fail", failure: failure("cancelled", "bake", "The bake was ended before this step.") };
}
