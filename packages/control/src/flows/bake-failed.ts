import type { Failure, FailureCode } from "@provost/contract";
import { passing, scriptFailed } from "../instances/failure.ts";
import type { ImageRow } from "../images/tables.ts";
import { ProviderError } from "../providers/provider-error.ts";
import type { InstanceRow } from "../storage/rows.ts";
import { bakeSpec, type BakeParts } from "./bake-steps.ts";
import { done, later, type StepContext, type StepEnd } from "./step.ts";

/** Where a deploy's advice does not hold for a bake, whose builder does not stay. */
const advice: Partial<Record<FailureCode, string>> = {
  script_failed: "Read the log lines, mend the script, bake again. The builder is destroyed.",
  callback_missing:
    "See whether the image that it starts from has cloud-init or Provost's first-boot service, and curl; then bake again.",
  boot_stuck: "Bake again; if it happens again, start from another image.",
  vanished: "Bake again.",
  cancelled: "Nothing: it was asked for.",
};

/** L6, C7: whatever ended a bake early, its user is told, its builder goes, and what the provider has made of the image too. */
export class BakeFailed {
  readonly #parts: BakeParts;

  constructor(parts: BakeParts) {
    this.#parts = parts;
  }

  /** `ended`: what the flow says; what the builder itself has reported says more. */
  async run(context: StepContext, ended: Failure): Promise<StepEnd> {
    const { images, timings } = this.#parts;
    const image = await images.byId(context.instanceId);
    if (image === undefined) return done;
    if (image.task === "bake") await this.tell(image, ended);
    await this.#parts.builderEnd.begin(image.builder_id);
    const failed = await images.byId(image.id);
    if (failed?.status !== "failed") return done;
    try {
      return await this.#noImage(failed, context.signal);
    } catch (error) {
      if (!(error instanceof ProviderError) || passing(error)) return later(error, timings.unreachableRetryMs);
      this.#parts.log.warn({ image: image.id, code: error.code }, "the image of a failed bake could not be deleted");
      return done;
    }
  }

  async tell(image: ImageRow, ended: Failure): Promise<void> {
    const { images, records, store, log } = this.#parts;
    const why = said(await records.byId(image.builder_id)) ?? ended;
    const told = { ...why, whatToDo: advice[why.code] ?? why.whatToDo };
    if (await images.failed(image, told, await store.now())) {
      log.warn({ image: image.id, code: told.code, step: told.step }, "bake failed");
    }
  }

  async #noImage(image: ImageRow, signal: AbortSignal): Promise<StepEnd> {
    if (image.provider_image_id === null && image.call_open === 0) return done;
    const { providers, deployment } = this.#parts;
    const { account } = await providers.open(image.provider);
    const terms = { region: image.region };
    const spec = bakeSpec(image, deployment());
    const id =
      image.provider_image_id ??
      (await account.call((provider, call) => provider.findImage(spec, call), signal, terms))?.id;
    if (id !== undefined) await account.call((provider, call) => provider.deleteImage(id, call), signal, terms);
    return done;
  }
}

/** What is known of the builder's own failing. */
function said(builder: InstanceRow | undefined): Failure | undefined {
  if (builder === undefined) return undefined;
  return builder.boot_failure === null ? (builder.failure ?? undefined) : scriptFailed(builder.boot_failure);
}
