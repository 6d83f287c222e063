import { JobsError } from "../../core/errors.ts";
import { checkBatch, checkOperations } from "../bounds.ts";
import type { MemoryResult, MemoryStore, PermitAnswer, PermitLease, PermitStore, SeenTicket } from "../permits.ts";

/** Calls a function of the schema; the clock's offset is its last argument. */
type Call = <R extends object>(text: string, values: unknown[]) => Promise<R[]>;

interface AcquiredRow {
  spot: number;
  state: "held" | "waiting" | "taken" | "waiters" | "permits";
  fence: string | null;
  /** For `permits`: the number that others use. */
  ahead: number;
  before: SeenTicket[] | null;
}

/** L12: see `sql/permits.ts`. `schema` is the quoted name. */
export function permitsOf(call: Call, schema: string): PermitStore {
  return {
    acquire: async (requests) => {
      checkBatch("permits asked for", requests.length);
      const lines = requests.map(({ holder, ...request }, spot) => ({ spot, ...request, ...holder }));
      const rows = await call<AcquiredRow>(`SELECT * FROM ${schema}.acquire($1, $2)`, [JSON.stringify(lines)]);
      const answers = new Map(rows.map((row) => [row.spot, answerOf(row)]));
      return requests.map(({ name }, spot) => answers.get(spot) ?? unanswered(name));
    },
    renew: async (leases) => {
      checkBatch("permit leases", leases.length);
      return await renewPermitsBy(call, schema, leases);
    },
    release: async (tickets) => {
      checkBatch("permits given back", tickets.length);
      const sql = `SELECT * FROM ${schema}.release_permits($1, $2)`;
      const [row] = await call<{ released: string[]; next: SeenTicket[] }>(sql, [tickets]);
      const released = new Set(row?.released);
      return { released: tickets.map((ticket) => released.has(ticket)), next: row?.next ?? [] };
    },
  };
}

/** The Transporter's own way, and that of the thread which keeps leases (L9). */
export async function renewPermitsBy(
  call: Call,
  schema: string,
  leases: readonly PermitLease[],
): Promise<("renewed" | "lost")[]> {
  const sql = `SELECT ticket FROM ${schema}.renew_permits($1, $2) AS ticket`;
  const rows = await call<{ ticket: string }>(sql, [JSON.stringify(leases)]);
  const renewed = new Set(rows.map(({ ticket }) => ticket));
  return leases.map(({ ticket }) => (renewed.has(ticket) ? "renewed" : "lost"));
}

export function memoryOf(call: Call, schema: string): MemoryStore {
  return {
    apply: async (operations, { held = [], free } = {}) => {
      checkOperations(operations);
      const rows = await call<{
        why: "lost" | "busy" | null;
        results: (MemoryResult & { value: string | null })[] | null;
      }>(`SELECT * FROM ${schema}.apply_memory($1, $2, $3, $4)`, [
        JSON.stringify(operations),
        [...new Set(held)],
        free ?? null,
      ]);
      const { why = null, results = null } = rows[0] ?? {};
      if (why !== null) return { state: "refused", why };
      return {
        state: "applied",
        results: (results ?? []).map(({ found, value }) => (value === null ? { found } : { found, value })),
      };
    },
  };
}

function answerOf({ state, fence, ahead, before }: AcquiredRow): PermitAnswer {
  switch (state) {
    case "held":
      return { state, fence: Number(fence) };
    case "waiting":
      return { state, ahead, before: before ?? [] };
    case "permits":
      return { state: "refused", why: state, permits: ahead };
    case "taken":
      return { state: "refused", why: state, before: before ?? [] };
    default:
      return { state: "refused", why: state };
  }
}

function unanswered(name: string): never {
  throw new JobsError("store_unavailable", `the store gave no answer for semaphore ${JSON.stringify(name)}: ask again`);
}
