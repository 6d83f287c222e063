import type { ExpressionBuilder, Selectable } from "kysely";
import { instanceRow, instant, type InstanceRow } from "../storage/rows.ts";
import type { InstanceTable } from "../storage/schema.ts";
import { endedStatuses, type FleetDatabase } from "../sweeps/tables.ts";

/** When a sweep last read the place of an instance that it has shown: rows that stay as they are are not written (C10). */
export function sweptAt(eb: ExpressionBuilder<FleetDatabase, "control_instance">) {
  return eb
    .selectFrom("control_sweep_page as page")
    .select("page.read_at")
    .whereRef("page.account", "=", "control_instance.provider")
    .whereRef("page.upto_key", ">=", "control_instance.provider_key")
    .where("control_instance.absent_sweep", "is", null)
    .where("control_instance.status", "not in", [...endedStatuses, "missing"])
    .orderBy("page.upto_key")
    .limit(1)
    .as("swept_at");
}

export function seenRow(row: Selectable<InstanceTable> & { swept_at: number | string | null }): InstanceRow {
  return { ...instanceRow(row), swept_at: instant(row.swept_at) };
}
