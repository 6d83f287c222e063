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
    const columns = ["created_at", "accepted_at", "active_at", "provisioned_at"].map((each) => `${each} = ${each} - ${ms}`);
    await sql.query(`update control_instance set ${columns.join(", ")} where name = '${name}'`);
    await sql.query(
      `update control_instance_event set at = at - ${ms} where kind in ('requested', 'creating', 'accepted', 'active', 'stage', 'provisioned')
         and instance_id in (select id from control_instance where name = '${name}')`,
    );
  }
}
