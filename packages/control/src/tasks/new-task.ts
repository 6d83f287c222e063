import { ProvostError } from "@provost/contract";
import { timedId } from "../ids.ts";
import type { InstanceRow } from "../storage/rows.ts";
import type { Write } from "../storage/store.ts";
import type { CheckedOrder } from "./order.ts";
import { taskRow, type Progress, type TaskRow } from "./task-row.ts";

/** A task's first record: it waits, until it has taken its instance. */
export async function insertTask(
  write: Write,
  row: InstanceRow,
  order: CheckedOrder,
  asked: { now: number; idempotencyKey?: string | undefined; fleetId?: string | undefined },
): Promise<TaskRow> {
  const id = timedId("ta", asked.now);
  const input = order.kind === "snapshot" ? { label: labelOf(id), ...order.input } : order.input;
  const saved = await write.db
    .insertInto("control_task")
    .values({
      id,
      instance_id: row.id,
      kind: order.kind,
      status: "waiting",
      input: JSON.stringify(input),
      progress: JSON.stringify(beginning(row)),
      version: 0,
      requested_by: write.by ?? null,
      fleet_id: asked.fleetId ?? null,
      idempotency_key: asked.idempotencyKey ?? null,
      created_at: asked.now,
      paused_ms: 0,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
  if (saved !== undefined) return taskRow(saved);
  throw new ProvostError(
    "idempotency_key_reused",
    `The idempotency key ${JSON.stringify(asked.idempotencyKey)} belongs to another request: use a new one.`,
  );
}

/** As the instance is when the task takes it. */
export function beginning(row: InstanceRow): Progress {
  return { was: { status: row.status, desired: row.desired }, done: [], marks: {}, left: [] };
}

/** A snapshot's own, where none was given; met again by it after a lost answer (C4). */
function labelOf(id: string): string {
  return `provost-${id.slice(3)}`;
}
