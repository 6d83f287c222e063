import type { Failure, InstanceStatus } from "@provost/contract";
import { sql, type Updateable } from "kysely";
import type { ProviderInstance } from "../providers/provider.ts";
import { instanceRow, type InstanceRow } from "../storage/rows.ts";
import type { TaskTable } from "../storage/schema.ts";
import type { Store, Write } from "../storage/store.ts";
import { taskRow } from "../tasks/task-row.ts";
import { failure } from "./failure.ts";
import { lastLog } from "./last-log.ts";
import { observeOne } from "../sweeps/observations.ts";

/**
 * The instance rows and their state machine. Every change is one compare-and-set, so that flows, watchdog, callbacks and
 * people can act at the same time and each thing is told once:
 *
 *   requested ── callIntended ──► creating ── accepted ──► provisioning ── provisioned ──► provisioned
 *       └──────────────┴──── failed (archived, task ends) ────┘                                 │
 *   any of them, and failed ── destroying (task `destroy`) ──► destroyed (archived)  ◄──────────┘
 *
 * A row with task `deploy` is moved by its deploy flow alone; a change of task takes it away from that flow at once.
 */
export class InstanceRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async byId(id: string): Promise<InstanceRow | undefined> {
    const row = await this.#store.db.selectFrom("control_instance").selectAll().where("id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : instanceRow(row);
  }

  /**
   * C4: the intent, committed before the call. False when another attempt has called meanwhile or the deploy is over.
   * The outcome counts as unknown from here on, until an answer settles it.
   */
  async callIntended(row: InstanceRow, now: number): Promise<boolean> {
    return this.#store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({
          status: "creating",
          create_attempt: row.create_attempt + 1,
          create_called_at: now,
          create_open: 1,
          unknown_since: row.unknown_since ?? now,
        })
        .where("id", "=", row.id)
        .where("task", "=", "deploy")
        .where("provider_id", "is", null)
        .where("create_attempt", "=", row.create_attempt)
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return false;
      // Told once, and again only after an answer that never came: a full rate budget is no news.
      if (row.create_attempt === 0 || row.create_open === 1) {
        await write.event({
          instanceId: row.id,
          at: now,
          kind: row.create_attempt === 0 ? "creating" : "note",
          message:
            row.create_attempt === 0
              ? "Asks the provider for the server"
              : `The provider shows no such server: asks again (call ${row.create_attempt + 1})`,
        });
      }
      return true;
    });
  }

  /**
   * The provider certainly did nothing with call `attempt`: its intent is closed, and the clock of the unknown with it. What
   * waits for a rate budget shows as `requested` (C7).
   */
  async callSettled(id: string, attempt: number): Promise<void> {
    await this.#store.db
      .updateTable("control_instance")
      .set((eb) => ({
        create_open: 0,
        unknown_since: null,
        status: eb.case().when("task", "=", "deploy").then<InstanceStatus>("requested").else(eb.ref("status")).end(),
      }))
      .where("id", "=", id)
      .where("create_attempt", "=", attempt)
      .where("provider_id", "is", null)
      .execute();
  }

  /** C7: the look for an unknown outcome waits so long for the rate budget: that is on no clock, nor on the unknown's own. */
  async unknownWaits(id: string, ms: number): Promise<void> {
    await this.#store.db
      .updateTable("control_instance")
      .set({ unknown_since: sql<number>`unknown_since + ${Math.ceil(ms)}` })
      .where("id", "=", id)
      .where("task", "=", "deploy")
      .where("create_open", "=", 1)
      .where("unknown_since", "is not", null)
      .execute();
  }

  /**
   * C4: the provider's id, saved in the first transaction after the answer, also when the deploy was ended meanwhile: a
   * server that is billed is never forgotten. False when an id was saved before.
   */
  async accepted(
    row: InstanceRow,
    made: ProviderInstance,
    how: { kind: "accepted" | "adopted"; now: number; tokenExpiresAt: number },
  ): Promise<boolean> {
    return this.#store.write(async (write) => {
      const saved = await write.db
        .updateTable("control_instance")
        .set({
          provider_id: made.id,
          accepted_at: how.now,
          create_open: 0,
          unknown_since: null,
          token_expires_at: how.tokenExpiresAt,
          ...observation(made, how.now),
        })
        .where("id", "=", row.id)
        .where("provider_id", "is", null)
        .returning("task")
        .executeTakeFirst();
      if (saved === undefined) return false;
      await write.db
        .updateTable("control_instance")
        .set({ status: "provisioning" })
        .where("id", "=", row.id)
        .where("task", "=", "deploy")
        .execute();
      await write.event({
        instanceId: row.id,
        at: how.now,
        kind: how.kind,
        message:
          how.kind === "accepted"
            ? `The provider accepted it as ${made.id}`
            : `Found at the provider as ${made.id} after a lost answer, and adopted`,
      });
      return true;
    });
  }

  /** Saves a reading unless a later one is there (C10). `at`: before the provider was asked, by the store's clock. */
  async observed(id: string, seen: ProviderInstance, at: number): Promise<void> {
    await this.#store.write((write) => observeOne(write, id, observation(seen, at)));
  }

  /** It runs, as the provider says or as its own report proves. Told once. */
  async active(id: string, now: number, message: string): Promise<void> {
    await this.#store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({ active_at: now })
        .where("id", "=", id)
        .where("task", "=", "deploy")
        .where("active_at", "is", null)
        .returning("id")
        .executeTakeFirst();
      if (changed !== undefined) await write.event({ instanceId: id, at: now, kind: "active", message });
    });
  }

  /** The end of a deploy. Told once, and never for one that was failed or taken away. */
  async provisioned(row: InstanceRow, now: number): Promise<void> {
    await this.#store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({ status: "provisioned", provisioned_at: now, task: null })
        .where("id", "=", row.id)
        .where("task", "=", "deploy")
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return;
      const seconds = ((now - row.created_at) / 1_000).toFixed(1);
      await write.event({ instanceId: row.id, at: now, kind: "provisioned", message: `Ready after ${seconds} s` });
    });
  }

  /**
   * C7, C8: the deploy has failed: archived and told in one act, by whoever comes first (a step, `onFailed`, the watchdog).
   * The server stays up. Where the failure brings no log it is what the instance said last. `also` joins the transaction. False when
   * the deploy was over already.
   */
  async failed(id: string, why: Failure, now: number, also?: (write: Write) => Promise<void>): Promise<boolean> {
    return this.#store.write(async (write) => {
      const log = why.log ?? (await lastLog(write.db, id))?.log;
      const kept: Failure = log === undefined ? why : { ...why, log };
      const changed = await write.db
        .updateTable("control_instance")
        .set({ status: "failed", failure: JSON.stringify(kept), task: null, archived_at: now })
        .where("id", "=", id)
        .where("task", "=", "deploy")
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return false;
      await write.event({
        instanceId: id,
        at: now,
        kind: "failed",
        message: `${why.step}: ${why.message} ${why.whatToDo}`,
        log: why.log,
      });
      await also?.(write);
      return true;
    });
  }

  /** The provider says gone, or there never was a server. The sealed password goes too. */
  async destroyed(id: string, now: number, message: string): Promise<void> {
    await this.#store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({
          status: "destroyed",
          task: null,
          archived_at: sql<number>`coalesce(archived_at, ${now})`,
          create_open: 0,
          root_password: null,
        })
        .where("id", "=", id)
        .where("task", "=", "destroy")
        .returning("task_id")
        .executeTakeFirst();
      if (changed === undefined) return;
      // Its record stays named: a destroyed instance has no other task.
      await endTask(write, changed.task_id, { status: "done", ended_at: now });
      await write.event({ instanceId: id, at: now, kind: "destroyed", message, taskId: changed.task_id ?? undefined });
    });
  }

  /** A destroy that cannot go on: the record goes back to what it was, with the reason in its story. */
  async destroyGivenUp(row: InstanceRow, now: number, reason: string): Promise<void> {
    const was = await this.#beforeTask(row);
    await this.#store.write(async (write) => {
      const changed = await write.db
        .updateTable("control_instance")
        .set({ ...was, task: null, task_id: null })
        .where("id", "=", row.id)
        .where("task", "=", "destroy")
        .where("flow_id", "=", row.flow_id)
        .returning("id")
        .executeTakeFirst();
      if (changed === undefined) return;
      const why = failure("change_refused", "destroy", reason);
      await endTask(write, row.task_id, { status: "failed", ended_at: now, failure: JSON.stringify(why) });
      const message = `Could not be destroyed: ${reason} The server may still be billed: destroy it again.`;
      const taskId = row.task_id ?? undefined;
      await write.event({ instanceId: row.id, at: now, kind: "task_failed", message, taskId });
    });
  }

  async #beforeTask(row: InstanceRow): Promise<Pick<InstanceRow, "status" | "desired">> {
    const { db } = this.#store;
    const id = row.task_id ?? "";
    const task = await db.selectFrom("control_task").selectAll().where("id", "=", id).executeTakeFirst();
    const was = task === undefined ? undefined : taskRow(task).progress.was;
    // A deploy that was cut off for the destroy is not taken up again.
    if (was === undefined || row.provisioned_at === null) {
      return { status: row.provisioned_at === null ? "failed" : "provisioned", desired: "running" };
    }
    return was;
  }
}

/** The record of a destroy; one that was asked for before there were records has none. */
async function endTask({ db }: Write, id: string | null, end: Updateable<TaskTable>): Promise<void> {
  if (id !== null) await db.updateTable("control_task").set(end).where("id", "=", id).execute();
}

function observation(seen: ProviderInstance, at: number) {
  return {
    observed_status: seen.status,
    observed_text: seen.statusText,
    observed_at: at,
    ipv4: JSON.stringify(seen.ipv4),
    ipv6: JSON.stringify(seen.ipv6),
  };
}
