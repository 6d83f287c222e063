import { ClockOffset } from "../clock-offset.ts";
import type { Lease, RenewState, Renewer } from "../transporter.ts";
import { Connections } from "./connections.ts";
import { idText } from "./ids.ts";
import { type PostgresOptions, settingsOf } from "./options.ts";
import type { Parameter } from "./server.ts";
import { settlementValues } from "./settlements.ts";
import { renewPermitsBy } from "./shared.ts";

export interface RenewerOptions {
  store: PostgresOptions;
  /** What the server needs on each connection. */
  parameters: readonly Parameter[];
  clockOffset: SharedArrayBuffer;
}

/** The Transporter's own way to a renewal, and that of the thread which keeps leases (L9). `schema` is quoted. */
export async function renewOn(
  connections: Pick<Connections, "query">,
  schema: string,
  leases: readonly Lease[],
  offsetMs: number,
): Promise<RenewState[]> {
  const lines = leases.map(({ id, fence, leaseMs }) => ({ id: idText(id), fence, leaseMs }));
  const rows = await connections.query<{ id: string; fence: number; cancel: boolean }>(
    `SELECT * FROM ${schema}.renew($1, $2)`,
    [JSON.stringify(lines), offsetMs],
    { prepared: true },
  );
  const held = new Map(rows.map(({ id, fence, cancel }) => [`${id} ${fence}`, cancel ? "cancel" : "renewed"] as const));
  return leases.map(({ id, fence }) => held.get(`${id} ${fence}`) ?? "lost");
}

/**
 * Two connections at most, opened when a renewal is due here and closed when idle: while the manager renews by itself the
 * server has none of them.
 */
export async function openRenewer({ store, parameters, clockOffset }: RenewerOptions): Promise<Renewer> {
  const settings = settingsOf(store);
  const offset = new ClockOffset(clockOffset);
  const connections = new Connections({ ...settings, poolMax: 2, sqlPoolMax: 1 });
  connections.open(parameters);
  return {
    giveBack: async (claims) => {
      const { values } = settlementValues(
        claims.map((claim) => ({ ...claim, outcome: { kind: "defer", delayMs: 0 } })),
      );
      await connections.query(`SELECT * FROM "${settings.schema}".settle($1, $2, $3, $4, $5, $6, $7, $8)`, [
        ...values,
        offset.ms,
      ]);
    },
    renew: (leases) => renewOn(connections, `"${settings.schema}"`, leases, offset.ms),
    renewPermits: (leases) =>
      renewPermitsBy((text, values) => connections.query(text, [...values, offset.ms]), `"${settings.schema}"`, leases),
    close: () => connections.close(),
  };
}
