import { failureSchema, type MemberStatus } from "@provost/contract";
import { sql, type Selectable } from "kysely";
import type { FleetMemberTable } from "../storage/schema.ts";
import type { Store, Write } from "../storage/store.ts";
import { fleetRow, type FleetRow, type MemberCounts } from "./fleet-rows.ts";

/** Why a member was not done. */
export interface MemberEnd {
  status: Extract<MemberStatus, "done" | "unchanged" | "failed">;
  code?: string | undefined;
  message?: string | undefined;
}

const messageMax = 500;
/** Ended tasks that one pass takes note of. */
const endedMax = 200;

/** The rows of fleet commands. Each member moves once from `pending` and once from `running`, by compare-and-set. */
export class FleetRecords {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async byId(id: string): Promise<FleetRow | undefined> {
    const row = await this.#store.db.selectFrom("control_fleet").selectAll().where("id", "=", id).executeTakeFirst();
    return row === undefined ? undefined : fleetRow(row);
  }

  async counts(id: string): Promise<MemberCounts> {
    const rows = await this.#store.db
      .selectFrom("control_fleet_member")
      .select((eb) => ["status", eb.fn.countAll<number | string>().as("count")])
      .where("fleet_id", "=", id)
      .groupBy("status")
      .execute();
    const counts: MemberCounts = { pending: 0, running: 0, done: 0, unchanged: 0, failed: 0, skipped: 0 };
    for (const { status, count } of rows) counts[status] = Number(count);
    return counts;
  }

  pending(id: string, limit: number): Promise<Selectable<FleetMemberTable>[]> {
    return this.#store.db
      .selectFrom("control_fleet_member")
      .selectAll()
      .where("fleet_id", "=", id)
      .where("status", "=", "pending")
      .orderBy("instance_id")
      .limit(limit)
      .execute();
  }

  /** Takes note of the tasks that have ended since. */
  async noteEnded(id: string, now: number): Promise<void> {
    const rows = await this.#store.db
      .selectFrom("control_fleet_member as member")
      .innerJoin("control_task as task", "task.id", "member.task_id")
      .select(["member.instance_id as instance", "task.status as status", "task.failure as failure"])
      .where("member.fleet_id", "=", id)
      .where("member.status", "=", "running")
      .where("task.ended_at", "is not", null)
      .limit(endedMax)
      .execute();
    for (const { instance, status, failure } of rows) {
      const why = failure === null ? undefined : failureSchema.parse(JSON.parse(failure));
      const message = why === undefined ? undefined : `${why.step}: ${why.message} ${why.state ?? ""}`.trim();
      await this.ended(
        id,
        instance,
        "running",
        { status: status === "done" ? "done" : "failed", code: why?.code, message },
        now,
      );
    }
  }

  async ended(id: string, instance: string, from: "pending" | "running", end: MemberEnd, now: number): Promise<void> {
    await this.#store.db
      .updateTable("control_fleet_member")
      .set({
        status: end.status,
        code: end.code ?? null,
        message: end.message?.slice(0, messageMax) ?? null,
        started_at: sql<number>`coalesce(started_at, ${now})`,
        ended_at: now,
      })
      .where("fleet_id", "=", id)
      .where("instance_id", "=", instance)
      .where("status", "=", from)
      .execute();
  }

  /** In the transaction that begins its task. False when it has been begun, or called off. */
  async begun({ db }: Write, id: string, instance: string, taskId: string, now: number): Promise<boolean> {
    const changed = await db
      .updateTable("control_fleet_member")
      .set({ status: "running", task_id: taskId, started_at: now })
      .where("fleet_id", "=", id)
      .where("instance_id", "=", instance)
      .where("status", "=", "pending")
      .returning("instance_id")
      .executeTakeFirst();
    return changed !== undefined;
  }

  /** What has not begun will not be. False when that was decided before. */
  async calledOff(write: Write, id: string, status: "stopped" | "cancelled", message: string): Promise<boolean> {
    const changed = await write.db
      .updateTable("control_fleet")
      .set({ status })
      .where("id", "=", id)
      .where("status", "=", "running")
      .returning("id")
      .executeTakeFirst();
    if (changed === undefined) return false;
    await write.db
      .updateTable("control_fleet_member")
      .set({ status: "skipped", code: status, message })
      .where("fleet_id", "=", id)
      .where("status", "=", "pending")
      .execute();
    return true;
  }

  async finished(id: string, now: number): Promise<void> {
    await this.#store.db
      .updateTable("control_fleet")
      .set((eb) => ({
        ended_at: now,
        status: eb.case().when("status", "=", "running").then<FleetRow["status"]>("done").else(eb.ref("status")).end(),
      }))
      .where("id", "=", id)
      .where("ended_at", "is", null)
      .execute();
  }
}
