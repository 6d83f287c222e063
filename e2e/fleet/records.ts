import type { SqlAccess } from "@provost/jobs";

const rowsAtOnce = 500;

/**
 * The fleet's records, written straight into the store: at Linode's limit of creates the deploys would take a day. `ids` are the
 * provider's.
 */
export async function writeRecords(sql: SqlAccess, provider: string, first: number, count: number): Promise<void> {
  for (let from = first; from < first + count; from += rowsAtOnce) {
    const ids = Array.from({ length: Math.min(rowsAtOnce, first + count - from) }, (_, index) => from + index);
    const values = ids.map(
      (id) =>
        `('${recordId(id)}', 'fleet-${id}', '${provider}', 'fleet-${id}', 'us-east', 'g6-nanode-1', 'linode/debian12', 5, '[]', '', 'provisioned', 'running', '${id}', 1, 0, 1, 1, '[]', '[]', 3, 'x', 'none', 1, 1)`,
    );
    await sql.query(`insert into control_instance (id, name, provider, provider_name, region, type, image, monthly_usd, ssh_keys,
      callback_url, status, desired, provider_id, create_attempt, create_open, accepted_at, active_at, ipv4, ipv6, stage,
      token_nonce, root_password_state, created_at, provisioned_at) values ${values.join(", ")}`);
  }
}

export function recordId(providerId: number): string {
  return `in_fleet${String(providerId).padStart(15, "0")}`;
}

/** Instances that have events of a kind, with seq, in order. */
export async function eventsAfter(
  sql: SqlAccess,
  seq: number,
  kind: string,
): Promise<{ seq: number; instanceId: string; message: string }[]> {
  const { rows } = await sql.query(
    `select seq, instance_id, message from control_instance_event where seq > ${seq} and kind = '${kind}' order by seq`,
  );
  return rows.map((row) => ({
    seq: Number(row["seq"]),
    instanceId: String(row["instance_id"]),
    message: String(row["message"]),
  }));
}

export async function number(sql: SqlAccess, query: string): Promise<number> {
  const { rows } = await sql.query(query);
  return Number(Object.values(rows[0] ?? {})[0] ?? 0);
}
