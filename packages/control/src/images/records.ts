import type { BakeStep, Failure } from "@provost/contract";
import type { BakedImage } from "../providers/baked-image.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { Store, Write } from "../storage/store.ts";
import { goldenRecipe, plainRecipe, type Recipe } from "./recipe.ts";
import { imageRow, type ImageDatabase, type ImageRow } from "./tables.ts";

/**
 * The image rows and their state machine. Every change is one compare-and-set, told in the builder's story:
 *
 *   baking: builder ► power-off ► snapshot ► register ── available ──► available ── removed ──► deleted
 *      └──────────── failed: the builder is destroyed ──► failed ── removed ──────────────────────┘
 */
export class ImageRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async byId(id: string): Promise<ImageRow | undefined> {
    const row = await this.#db().selectFrom("control_image").selectAll().where("id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : imageRow(row);
  }

  /** What the builder runs besides the user's script; undefined for an instance that is none. */
  async recipeOf(builder: Pick<InstanceRow, "builder_of">): Promise<Recipe | undefined> {
    if (builder.builder_of === null) return undefined;
    const image = await this.byId(builder.builder_of);
    return image?.recipe === 1 ? goldenRecipe() : plainRecipe();
  }

  /** The bake has come to this step. Told once. */
  async reached(row: ImageRow, step: BakeStep, now: number, message: string): Promise<void> {
    await this.#store.write(async (write) => {
      const changed = await images(write)
        .updateTable("control_image")
        .set({ step, step_at: now })
        .where("id", "=", row.id)
        .where("task", "=", "bake")
        .where("step", "<>", step)
        .returning("id")
        .executeTakeFirst();
      if (changed !== undefined) await this.#tell(write, row, now, "baking", message);
    });
  }

  /** C4: the intent, committed before the call. False when another attempt has called meanwhile or the bake is over. */
  async callIntended(row: ImageRow, now: number): Promise<boolean> {
    const changed = await this.#db()
      .updateTable("control_image")
      .set({ call_attempt: row.call_attempt + 1, called_at: now, call_open: 1 })
      .where("id", "=", row.id)
      .where("task", "=", "bake")
      .where("provider_image_id", "is", null)
      .where("call_attempt", "=", row.call_attempt)
      .returning("id")
      .executeTakeFirst();
    return changed !== undefined;
  }

  /** The provider certainly did nothing with call `attempt`: it counts as never made, so that no 429 uses one up (C11). */
  async callSettled(id: string, attempt: number): Promise<void> {
    await this.#db()
      .updateTable("control_image")
      .set({ call_open: 0, call_attempt: attempt - 1 })
      .where("id", "=", id)
      .where("call_attempt", "=", attempt)
      .where("provider_image_id", "is", null)
      .execute();
  }

  /** C4: the image's id at the provider, saved also when the bake was ended meanwhile: what is billed is never forgotten. */
  async accepted(row: ImageRow, made: BakedImage, now: number): Promise<void> {
    await this.#store.write(async (write) => {
      const saved = await images(write)
        .updateTable("control_image")
        .set({ provider_image_id: made.id, call_open: 0 })
        .where("id", "=", row.id)
        .where("provider_image_id", "is", null)
        .returning("id")
        .executeTakeFirst();
      if (saved !== undefined) await this.#tell(write, row, now, "baking", `The provider makes the image ${made.id}`);
    });
  }

  /** What was accepted is not there any more: its making has failed. */
  async lost(row: ImageRow): Promise<void> {
    await this.#db()
      .updateTable("control_image")
      .set({ provider_image_id: null })
      .where("id", "=", row.id)
      .where("task", "=", "bake")
      .execute();
  }

  /** Deploys can name it from now on. The bake is over; its builder goes. */
  async available(row: ImageRow, made: BakedImage, now: number): Promise<void> {
    await this.#store.write(async (write) => {
      const changed = await images(write)
        .updateTable("control_image")
        .set({ status: "available", task: null, step: "destroy-builder", step_at: now, available_at: now })
        .set({ size_mb: made.sizeMb ?? null })
        .where("id", "=", row.id)
        .where("task", "=", "bake")
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return;
      const seconds = ((now - row.created_at) / 1_000).toFixed(1);
      await this.#tell(write, row, now, "baked", `${row.name} is available as ${made.id}, after ${seconds} s`);
    });
  }

  /** C7: the bake has failed, told in one act by whoever comes first. False when it was over already. `also` joins the transaction. */
  async failed(row: ImageRow, why: Failure, now: number, also?: (write: Write) => Promise<void>): Promise<boolean> {
    return this.#store.write(async (write) => {
      const changed = await images(write)
        .updateTable("control_image")
        .set({ status: "failed", task: null, failure: JSON.stringify(why), ended_at: now })
        .where("id", "=", row.id)
        .where("task", "=", "bake")
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return false;
      // A builder that is still being deployed is nobody's any more: no flow and no watchdog acts on it but to destroy it.
      await write.db
        .updateTable("control_instance")
        .set({ status: "failed", task: null, failure: JSON.stringify(why), archived_at: now })
        .where("id", "=", row.builder_id)
        .where("task", "=", "deploy")
        .execute();
      await this.#tell(write, row, now, "failed", `${why.step}: ${why.message} ${why.whatToDo}`, why.log);
      await also?.(write);
      return true;
    });
  }

  /** The provider has it no more. */
  async deleted(row: ImageRow, now: number): Promise<ImageRow> {
    return this.#store.write(async (write) => {
      const saved = await images(write)
        .updateTable("control_image")
        .set({ status: "deleted", ended_at: now })
        .where("id", "=", row.id)
        .where("task", "is", null)
        .returningAll()
        .executeTakeFirst();
      const target = { id: row.id, name: row.name };
      await write.audit({ at: now, action: "image.delete", target, before: { status: row.status } });
      return saved === undefined ? row : imageRow(saved);
    });
  }

  /** The builder's row is written first: its lock puts its events in the order of their commits. */
  async #tell(
    write: Write,
    { builder_id: builder }: ImageRow,
    at: number,
    kind: "baking" | "baked" | "failed",
    message: string,
    log?: string,
  ): Promise<void> {
    await write.db
      .updateTable("control_instance")
      .set((eb) => ({ status: eb.ref("status") }))
      .where("id", "=", builder)
      .execute();
    await write.event({ instanceId: builder, at, kind, message, log });
  }

  #db() {
    return this.#store.db.withTables<ImageDatabase>();
  }
}

function images(write: Write) {
  return write.db.withTables<ImageDatabase>();
}
