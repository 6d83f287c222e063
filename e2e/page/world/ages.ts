import type { SqlAccess } from "@provost/jobs";

const dayMs = 86_400_000;

/** How long ago each was asked for, in days: a world that is an hour old looks like none that anybody has. */
const days: Record<string, number> = {
  "db-1": 412,
  "db-2": 371,
  "api-1": 96,
  "api-2": 96,
  "web-1": 41,
  "web-2": 41,
  "web-3": 12,
  "cache-1": 203,
  "ci-runner-1": 7,
  "ci-runner-2": 6.5,
  "staging-web": 2.2,
  "staging-api": 0.8,
  "worker-7": 0.11,
  "web-old": 150,
};

/** Puts the past where it belongs, straight in the store. */
export async function age(sql: SqlAccess): Promise<void> {
  for (const [name, ago] of Object.entries(days)) {
    const ms = Math.round(ago * dayMs);
    const columns = ["created_at", "accepted_at", "active_at", "provisioned_at", "archived_at"].map(
      (each) => `${each} = ${each} - ${ms}`,
    );
    await sql.query(`update control_instance set ${columns.join(", ")} where name = '${name}'`);
    await sql.query(
      `update control_instance_event set at = at - ${ms} where kind in ('requested', 'creating', 'accepted', 'active', 'stage', 'provisioned', 'failed')
         and instance_id in (select id from control_instance where name = '${name}')`,
    );
  }
}

const minutesBefore = 55;
const minuteMs = 60_000;

/** The hour before this one, in the minutes that managers keep: as busy as the newest, more or less. */
export async function pastHour(sql: SqlAccess): Promise<void> {
  const { rows } = await sql.query("select max(minute) as newest from jobs_minute");
  const newest = Number(rows[0]?.["newest"]);
  const tallies = ["processed", "failed", "cancelled", "retried"];
  for (let ago = 1; ago <= minutesBefore; ago += 1) {
    // A wave with a dip: no house is as busy every minute.
    const part = 0.55 + 0.4 * Math.sin(ago / 7) + (ago % 5) / 20;
    const scaled = tallies.map((each) => `cast(sum(${each}) * ${part.toFixed(3)} as integer)`);
    await sql.query(`insert into jobs_minute (minute, manager, name, queue, ${tallies.join(", ")}, waits, runs)
      select ${newest - ago * minuteMs}, 'past', name, queue, ${scaled.join(", ")}, max(waits), max(runs)
        from jobs_minute where manager <> 'past' and minute > ${newest - 4 * minuteMs} group by name, queue
      on conflict do nothing`);
    await sql.query(`insert into jobs_level (minute, waiting, delayed, queued, in_progress)
      values (${newest - ago * minuteMs}, 2, ${Math.round(6 * part)}, ${Math.round(8 + 22 * part)}, ${Math.round(4 * part)}) on conflict do nothing`);
  }
}
