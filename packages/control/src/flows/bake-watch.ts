import type { JobManager } from "@provost/jobs";
import { Circuits } from "../circuit/circuits.ts";
import { deployClock } from "../circuit/clock.ts";
import type { ImageRecords } from "../images/records.ts";
import { imageRow, type ImageDatabase, type ImageRow } from "../images/tables.ts";
import { failure } from "../instances/failure.ts";
import type { InstanceRecords } from "../instances/records.ts";
import type { Log, Timings } from "../options.ts";
import type { Store } from "../storage/store.ts";
import type { BakeFailed } from "./bake-failed.ts";
import type { BuilderEnd } from "./builder-end.ts";
import type { Tasks } from "./tasks.ts";

interface BakeWatchParts {
  store: Store;
  records: InstanceRecords;
  images: ImageRecords;
  manager: JobManager;
  circuits: Circuits;
  tasks: Tasks;
  failed: BakeFailed;
  builderEnd: BuilderEnd;
  timings: Timings;
  log: Log;
}

/** Rows in one read. */
const pageRows = 100;
/** A destroy that was given up is begun anew after this. */
const againMs = 10 * 60_000;

/**
 * C7 for bakes, whatever their flows do: a bake has an end, and no builder outlives it. Every server runs one; the
 * compare-and-set on the row decides who tells.
 */
export class BakeWatch {
  readonly #parts: BakeWatchParts;

  constructor(parts: BakeWatchParts) {
    this.#parts = parts;
  }

  async pass(now: number): Promise<void> {
    await this.#bakes(now);
    await this.#builders(now);
  }

  async #bakes(now: number): Promise<void> {
    const rows = await this.#parts.store.db
      .withTables<ImageDatabase>()
      .selectFrom("control_image")
      .selectAll()
      .where("task", "=", "bake")
      .orderBy("id")
      .limit(pageRows)
      .execute();
    for (const row of rows) await this.#look(imageRow(row), now);
  }

  async #look(image: ImageRow, now: number): Promise<void> {
    const { records, circuits, timings, failed, tasks } = this.#parts;
    const builder = await records.byId(image.builder_id);
    const at = builder === undefined ? now : await deployClock(circuits, builder, now);
    const age = at - (builder?.accepted_at ?? at);
    // While the builder is deployed, its own steps and the watchdog over instances look at the same clock.
    if (builder?.task !== "deploy" && age > timings.bakeMaxMs + timings.lookEveryMs) {
      const message = `Not made ${Math.round(age / 1_000)} s after the provider accepted the builder.`;
      await failed.tell(image, failure("bake_stuck", image.step, message));
      await tasks.cancelFlow(image.flow_id, "the watchdog has failed the bake");
    } else if (await this.#lost(image, now)) {
      await failed.tell(image, failure("internal", image.step, "The jobs of this bake were lost."));
    }
  }

  /** Its flow is gone, or ended a while ago without a word. */
  async #lost({ flow_id: flowId }: ImageRow, now: number): Promise<boolean> {
    const flow = flowId === null ? undefined : await this.#parts.manager.flow(flowId);
    if (flow === undefined) return true;
    return flow.status !== "running" && now - (flow.finishedAt ?? now) > this.#parts.timings.orphanGraceMs;
  }

  /** Builders without a task whose bake is over, or was never written. */
  async #builders(now: number): Promise<void> {
    const { store, images, builderEnd, timings, log } = this.#parts;
    const rows = await store.db
      .selectFrom("control_instance")
      .select(["id", "builder_of"])
      .where("builder_of", "is not", null)
      .where("status", "<>", "destroyed")
      .where("task", "is", null)
      .orderBy("id")
      .limit(pageRows)
      .execute();
    for (const { id, builder_of: imageId } of rows) {
      const image = imageId === null ? undefined : await images.byId(imageId);
      if (image?.task === "bake") continue;
      const last = await store.db
        .selectFrom("control_instance_event")
        .select((eb) => eb.fn.max("at").as("at"))
        .where("instance_id", "=", id)
        .where("kind", "=", "destroying")
        .executeTakeFirst();
      const graceMs = last?.at === null || last === undefined ? timings.orphanGraceMs : againMs;
      const since = Number(last?.at ?? image?.ended_at ?? image?.available_at ?? 0);
      if (now - since < graceMs) continue;
      log.warn({ instance: id, image: imageId }, "a builder was left over: it is destroyed");
      await builderEnd.begin(id);
    }
  }
}
